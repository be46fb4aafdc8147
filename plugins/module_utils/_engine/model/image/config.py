# SPDX-License-Identifier: GPL-3.0-or-later
"""The OCI image configuration as frozen data.

Source: OCI image-spec v1.1, config.md; ``Healthcheck`` and others are Docker's additions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ...errors import ArchiveBroken
from ...frozen import dataclass, field
from ..values import jsontext
from ..values.digests import DIGEST
from . import normalize as values

T = TypeVar("T")

#: The kernel's limit of stacked layers (OVL_MAX_STACK in fs/overlayfs); Docker's is 127.
MOST_LAYERS = 500


@dataclass(frozen=True)
class ImageConfig:
    """An image's defaults for its containers, in the form of a task's options, and its layers.

    Unset values are ``""``, ``()`` or ``{}``; ``created`` is RFC 3339 text or None, ``healthcheck`` Docker's object (``Test``,
    ``Interval`` in nanoseconds, ...) or None, ``diff_ids`` the digests of the layers' uncompressed tars, lowest first.
    """

    architecture: str = ""
    os: str = ""
    variant: str = ""
    created: str | None = None
    author: str = ""
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    user: str = ""
    working_dir: str = ""
    volumes: tuple[str, ...] = ()
    exposed_ports: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    stop_signal: str = ""
    healthcheck: Mapping[str, Any] | None = None
    history: tuple[Mapping[str, Any], ...] = ()
    diff_ids: tuple[str, ...] = ()


def parse(raw: bytes) -> ImageConfig:
    """Parse a raw image configuration. Raises ArchiveBroken if it is not a JSON object of the right types."""
    return read(raw)[0]


def read(raw: bytes) -> tuple[ImageConfig, tuple[str, ...]]:
    """Return the configuration in canonical form, and a warning for each value that was corrected. Raises ArchiveBroken.

    The raw text is not changed, because its digest is the image's ID. It is corrected each time it is parsed, but warnings are
    shown only when the image is loaded.
    """
    top = _top(raw)
    run = _mapping(top, "config")
    warnings: list[str] = []
    warn = warnings.append
    config = ImageConfig(
        architecture=_text(top, "architecture"),
        os=_text(top, "os"),
        variant=_text(top, "variant"),
        created=values.date("creation time", top.get("created"), warn),
        author=values.plain(top.get("author")) or "",
        entrypoint=values.entrypoint(_texts(run, "Entrypoint")),
        cmd=_texts(run, "Cmd"),
        env=values.env(_texts(run, "Env"), warn),
        user=values.user(_text(run, "User"), warn),
        working_dir=values.working_dir(_text(run, "WorkingDir")),
        volumes=values.volumes(_mapping(run, "Volumes"), warn),
        exposed_ports=values.ports(_mapping(run, "ExposedPorts"), warn),
        labels=_labels(run),
        stop_signal=values.stop_signal(_text(run, "StopSignal"), warn),
        healthcheck=values.healthcheck(run.get("Healthcheck"), warn),
        history=values.history(top.get("history"), warn),
        diff_ids=_diff_ids(_mapping(top, "rootfs")),
    )
    return config, tuple(dict.fromkeys(warnings))


def _top(raw: bytes) -> dict[str, Any]:
    try:
        return jsontext.parse_object(raw)
    except ValueError as error:
        raise ArchiveBroken(f"the image configuration is not valid JSON: {error}") from error


def _wrong(key: str, wanted: str, value: object) -> ArchiveBroken:
    return ArchiveBroken(f"the image configuration's {key} is not {wanted}: {str(value)[:80]!r}", key=key)


def _is_text(value: object) -> bool:
    # JSON can contain half of a surrogate pair, which argv and environment cannot; NUL ends a C string.
    return isinstance(value, str) and "\0" not in value and not re.search("[\ud800-\udfff]", value)


def _field(holder: Mapping[str, Any], key: str, fits: Callable[[Any], bool], default: T, *, wanted: str) -> T:
    # Go writes null for an empty slice, map or pointer.
    value = holder.get(key)
    if value is None:
        return default
    if not fits(value):
        raise _wrong(key, wanted, value)
    found: T = value
    return found


def _text(holder: Mapping[str, Any], key: str) -> str:
    return _field(holder, key, _is_text, "", wanted="text")


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(_is_text(item) for item in value)


def _texts(holder: Mapping[str, Any], key: str) -> tuple[str, ...]:
    empty: list[str] = []
    return tuple(_field(holder, key, _is_texts, empty, wanted="a list of strings"))


def _is_mapping(value: object) -> bool:
    return isinstance(value, dict) and all(_is_text(key) for key in value)


def _mapping(holder: Mapping[str, Any], key: str) -> dict[str, Any]:
    empty: dict[str, Any] = {}
    return _field(holder, key, _is_mapping, empty, wanted="an object")


def _labels(run: Mapping[str, Any]) -> dict[str, str]:
    labels = {key: "" if value is None else value for key, value in _mapping(run, "Labels").items()}
    if not all(_is_text(value) for value in labels.values()):
        raise _wrong("Labels", "an object of strings", labels)
    return labels


def _diff_ids(rootfs: Mapping[str, Any]) -> tuple[str, ...]:
    diff_ids = _texts(rootfs, "diff_ids")
    if len(diff_ids) > MOST_LAYERS:
        raise ArchiveBroken(f"the image configuration has {len(diff_ids)} layers, more than {MOST_LAYERS}")
    for diff_id in diff_ids:
        if not DIGEST.fullmatch(diff_id):
            raise _wrong("diff_ids", "a list of digests", diff_id)
    return diff_ids
