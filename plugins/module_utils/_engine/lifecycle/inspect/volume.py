# SPDX-License-Identifier: GPL-3.0-or-later
"""A volume in the shape of ``podman volume inspect``; pure. docs/results.md documents it."""

from __future__ import annotations

from typing import Any

from ...model.engine.layout import Layout
from ...model.values.times import rfc3339
from ...model.volume.options import DriverOptions
from ...model.volume.spec import UNSEEN, Populated, VolumeFacts, VolumeRecord


def volume_shape(record: VolumeRecord, layout: Layout, seen: VolumeFacts = UNSEEN) -> dict[str, Any]:
    """Return the volume with its present facts.

    Keys that are not podman's: ``populated_from`` (None: nothing was copied up), ``used_by``, ``mounted`` (None for a plain
    directory, which is never mounted) and ``stays_mounted``.
    """
    spec, options = record.spec, record.spec.driver_options
    return {
        "Name": spec.name,
        "Driver": spec.driver,
        "Mountpoint": layout.volume_data(spec.name),
        "CreatedAt": rfc3339(record.created),
        "Labels": dict(spec.labels),
        "Scope": "local",
        "Options": _options(options),
        "UID": options.uid or 0,
        "GID": options.gid or 0,
        "MountCount": len(seen.living) + record.mounted,
        "NeedsCopyUp": record.needs_copy_up,
        "Anonymous": record.anonymous,
        "populated_from": _origin(record.populated),
        "used_by": sorted(seen.users),
        "mounted": seen.mounted if options.is_mounted_apart else None,
        "stays_mounted": record.mounted,
    }


def _options(options: DriverOptions) -> dict[str, str]:
    """Return the options under podman's keys; owner and quota appear twice, as in podman."""
    words = {
        "type": options.type,
        "device": options.device,
        "o": ",".join(options.words_for_inspect()),
        "UID": _text(options.uid),
        "GID": _text(options.gid),
        "SIZE": _text(options.size),
        "INODES": _text(options.inodes),
    }
    return {**{key: text for key, text in words.items() if text}, **({} if options.copy else {"nocopy": ""})}


def _text(number: int | None) -> str:
    return "" if number is None else str(number)


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
