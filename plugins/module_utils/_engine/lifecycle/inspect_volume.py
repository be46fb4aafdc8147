# SPDX-License-Identifier: GPL-3.0-or-later
"""Show a volume in the shape of ``podman volume inspect``; pure. docs/results.md documents it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..model.layout import Layout
from ..model.times import rfc3339
from ..model.volume import Populated, VolumeRecord


def volume_shape(record: VolumeRecord, layout: Layout, *, users: Sequence[str] = ()) -> dict[str, Any]:
    """Return the volume; ``users`` are the names of the containers that have it, running or not.

    Beside podman's keys stand ``populated_from`` (None: nothing was copied up) and ``used_by``.
    """
    spec = record.spec
    return {
        "Name": spec.name,
        "Driver": spec.driver,
        "Mountpoint": layout.volume_data(spec.name),
        "CreatedAt": rfc3339(record.created),
        "Labels": dict(spec.labels),
        "Scope": "local",
        "Options": dict(spec.options),
        "MountCount": len(users),
        "NeedsCopyUp": record.needs_copy_up,
        "Anonymous": record.anonymous,
        "populated_from": _origin(record.populated),
        "used_by": sorted(users),
    }


def _origin(populated: Populated | None) -> dict[str, Any] | None:
    if populated is None:
        return None
    return {
        "image": populated.image_id,
        "path": populated.path,
        "subpath": populated.subpath,
        "entries": populated.entries,
        "bytes": populated.bytes,
        "at": rfc3339(populated.at),
    }
