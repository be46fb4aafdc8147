# SPDX-License-Identifier: GPL-3.0-or-later
"""The run configuration of an image that is committed from a container; pure (libpod: Commit)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...images.changes import RunConfig
from ...model.container.spec import ContainerSpec
from ...model.engine.record import ContainerRecord
from ...model.image.stage import STAGE
from ...model.mounts.mount import BIND, VOLUME
from ...model.network import ports
from ...model.values.labels import OWNER

#: Labels that are not passed on to images made from a container or an image.
_OWN = (OWNER, STAGE)


def of_image(base: Mapping[str, Any]) -> RunConfig:
    """Return the parent's configuration, without labels that only apply to the parent."""
    labels = base.get("Labels") or {}
    return {**base, "Labels": {key: value for key, value in labels.items() if key not in _OWN}}


def of_container(base: Mapping[str, Any], record: ContainerRecord, *, include_volumes: bool) -> RunConfig:
    """Return the parent's configuration with the container's options.

    Values that the engine adds at a start (TERM, HOSTNAME, ...) are left out.
    """
    spec, config = record.spec, of_image(base)
    labels = {key: value for key, value in (spec.label or {}).items() if key not in _OWN}
    return {
        **config,
        **_program(spec),
        **({"User": spec.user} if spec.user is not None else {}),
        **({"WorkingDir": spec.workdir} if spec.workdir else {}),
        "Env": _env(config.get("Env") or (), spec.env or {}),
        "Labels": {**config["Labels"], **labels},
        "ExposedPorts": {**(config.get("ExposedPorts") or {}), **_ports(record)},
        "Volumes": {**(config.get("Volumes") or {}), **_volumes(spec, everything=include_volumes)},
    }


def _program(spec: ContainerSpec) -> RunConfig:
    """Return entrypoint and command; an entrypoint from the options replaces the image's command as well."""
    if spec.entrypoint is not None:
        return {"Entrypoint": [*spec.entrypoint], "Cmd": [*(spec.command or ())]}
    return {"Cmd": [*spec.command]} if spec.command else {}


def _env(of_parent: object, own: Mapping[str, str]) -> list[str]:
    texts = of_parent if isinstance(of_parent, list) else []
    pairs = {name: value for name, _equals, value in (text.partition("=") for text in texts)}
    return [f"{name}={value}" for name, value in {**pairs, **own}.items()]


def _ports(record: ContainerRecord) -> dict[str, dict[str, str]]:
    published = [(port.protocol, port.container_port) for port in record.ports]
    found = (*published, *ports.exposed(record.spec.expose or ()))
    return {f"{number}/{protocol}": {} for protocol, number in sorted({*found})}


def _volumes(spec: ContainerSpec, *, everything: bool) -> dict[str, dict[str, str]]:
    return {path: {} for path in _volume_paths(spec, everything=everything)}


def _volume_paths(spec: ContainerSpec, *, everything: bool) -> Iterator[str]:
    for path, mount in sorted((spec.mounts or {}).items()):
        if mount.kind in (VOLUME, BIND) and (everything or (mount.kind == VOLUME and not mount.source)):
            yield path
