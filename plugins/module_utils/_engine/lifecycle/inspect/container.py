# SPDX-License-Identifier: GPL-3.0-or-later
"""A container in the shape of ``podman inspect``; pure. docs/results.md documents it.

The shape is podman 4's. An unknown value is None, never a guess; a feature that the engine lacks has podman's empty value, so
that a task that reads it keeps working. Parts: process, host_config, held.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...images.archive.reference import candidates
from ...model.container import status
from ...model.container.health import Health
from ...model.engine.layout import ContainerLayout, Layout
from ...model.engine.record import ContainerRecord, ImageRecord
from ...model.image import config as imageconfig
from ...model.image.config import ImageConfig
from ...model.values.times import NEVER, rfc3339
from .health import health_shape
from .host_config import UNSEEN, OfHost, host_config, id_mappings
from .process import apparmor_profile, capabilities, process_config, program

#: Podman's names of states that differ from the engine's (libpod, ``ContainerStatus.String``).
_WORDS = {status.CONFIGURED: "created", status.CREATED: "initialized"}
#: The version of the runtime-spec that config.json is written for.
_OCI_VERSION = "1.0.2"

#: Podman's network keys that this engine has no value for.
_OF_NETWORK: dict[str, Any] = {
    "Bridge": "",
    "SandboxID": "",
    "HairpinMode": False,
    "LinkLocalIPv6Address": "",
    "LinkLocalIPv6PrefixLen": 0,
}


def container_shape(
    record: ContainerRecord,
    image: ImageRecord | None,
    layout: Layout,
    *,
    host_name: str | None = None,
    exec_ids: Sequence[str] = (),
    needs: Sequence[str] = (),
    health: Health | None = None,
    apparmor: str | None = None,
    host: OfHost = UNSEEN,
) -> dict[str, Any]:
    """Return the container without the keys that its resources add (lifecycle/info/shape.py).

    ``image`` is the record's image; None with ``rootfs``, or when it is unknown. ``host_name`` is the host's name, which a
    container with ``network: host`` shares. ``health`` is the state of its health checks, None without one. ``needs`` are the
    ids of the containers that it needs, ``exec_ids`` those of its exec sessions. ``apparmor`` is the profile that confines
    it, or would; None to take the spec's. ``host`` are the host's defaults.
    """
    container = layout.container(record.id)
    config = _image_config(record, image)
    return {
        "Id": record.id,
        "Created": rfc3339(record.created),
        **program(record.spec, config),
        "State": _state(record, container, health),
        **_origin(record, image),
        "Pod": "",
        **_paths(record, container),
        "OCIRuntime": record.runtime or None,
        "Name": record.name,
        "RestartCount": record.restart_count,
        "MountLabel": "",
        "ProcessLabel": "",
        "AppArmorProfile": apparmor_profile(record.spec) if apparmor is None else apparmor,
        **capabilities(record.spec, config, host.capabilities),
        "ExecIDs": [*exec_ids],
        "Dependencies": [*needs],
        "NetworkSettings": dict(_OF_NETWORK),
        "Namespace": "",
        "IsInfra": False,
        "IsService": False,
        "Config": process_config(record, config, host_name),
        "HostConfig": {**host_config(record.spec, container.log, host), **id_mappings(record.mapping)},
    }


def _image_config(record: ContainerRecord, image: ImageRecord | None) -> ImageConfig | None:
    """Return the image's configuration: an empty one for a plain directory, None when it is unknown."""
    if image is not None:
        return imageconfig.parse(image.config)
    return ImageConfig() if record.spec.rootfs else None


def _origin(record: ContainerRecord, image: ImageRecord | None) -> dict[str, Any]:
    spec = record.spec
    if spec.rootfs:
        return {"Image": "", "ImageDigest": "", "ImageName": "", "Rootfs": spec.image}
    return {
        "Image": record.image_id,
        "ImageDigest": image.manifest_digest if image else None,
        "ImageName": _full_name(spec.image, image.names if image else ()),
        "Rootfs": "",
    }


def _full_name(name: str, known: tuple[str, ...]) -> str:
    """Return the full name if the image still has it, else the name as written."""
    return next((candidate for candidate in candidates(name) if candidate in known), name)


def _state(record: ContainerRecord, container: ContainerLayout, health: Health | None) -> dict[str, Any]:
    unclear = record.status == status.UNKNOWN
    nothing = None if unclear else 0
    return {
        "OciVersion": _OCI_VERSION,
        "Status": _WORDS.get(record.status, record.status),
        "Running": None if unclear else record.status == status.RUNNING,
        "Paused": None if unclear else record.status == status.PAUSED,
        "Restarting": False,
        "OOMKilled": record.oom_killed,
        "Dead": False,
        "Pid": record.process.pid if record.process else nothing,
        "ConmonPid": record.monitor.pid if record.monitor else nothing,
        "Error": record.error,
        **_run(record),
        "Health": health_shape(health),
        **_checkpoint(record, container),
    }


def _checkpoint(record: ContainerRecord, container: ContainerLayout) -> dict[str, Any]:
    """Return the keys for checkpoints; podman omits the empty ones."""
    made, restored = record.checkpointed, record.restored
    return {
        "Checkpointed": record.is_checkpointed,
        "CheckpointedAt": NEVER if made is None else rfc3339(made),
        "CheckpointPath": "" if made is None else container.checkpoint,
        "Restored": restored is not None,
        "RestoredAt": NEVER if restored is None else rfc3339(restored),
    }


def _run(record: ContainerRecord) -> dict[str, Any]:
    """Return the last run's exit code and times: podman's empty values before the exit, None if unknown."""
    ended = _may_have_ended(record)
    code, never = (None, None) if ended else (0, NEVER)
    return {
        "ExitCode": code if record.exit_code is None else record.exit_code,
        "StartedAt": never if record.started is None else rfc3339(record.started),
        "FinishedAt": never if record.finished is None else rfc3339(record.finished),
    }


def _may_have_ended(record: ContainerRecord) -> bool:
    if record.status in (status.CONFIGURED, status.REMOVING):
        return record.started is not None
    return record.status not in status.ALIVE | {status.CREATED}


def _paths(record: ContainerRecord, container: ContainerLayout) -> dict[str, str]:
    """Return the paths of the container's files; each start rewrites config.json."""
    always = {
        "StaticDir": container.static,
        "ConmonPidFile": container.conmon_pid_file,
        "PidFile": container.pid_file,
    }
    config = f"{container.bundle}/config.json"
    return {**always, "OCIConfigPath": "" if record.started is None else config}
