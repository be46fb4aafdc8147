# SPDX-License-Identifier: GPL-3.0-or-later
"""A volume's snapshots, and the archive or snapshot that its content was last replaced with."""

from __future__ import annotations

from typing import Any

from ...model.values.times import rfc3339
from ...model.volume.content import Origin, Snapshot
from ...volumes import snapshots


def content_shape(volume: str) -> dict[str, Any]:
    """Return a volume directory's ``snapshots`` (oldest first), ``imported_from`` and ``restored_from``."""
    origin = snapshots.read_origin(volume)
    return {
        "snapshots": [snapshot_shape(one) for one in snapshots.read(volume)],
        "imported_from": _archive(origin) if origin and origin.digest else None,
        "restored_from": {"name": origin.source, "at": rfc3339(origin.at)}
        if origin and not origin.digest
        else None,
    }


def snapshot_shape(one: Snapshot) -> dict[str, Any]:
    """Return a snapshot; entries and bytes are None if it is replaced content, which is not counted."""
    return {
        "name": one.name,
        "created": rfc3339(one.created),
        "reason": one.reason,
        "entries": one.entries,
        "bytes": one.bytes,
    }


def _archive(origin: Origin) -> dict[str, Any]:
    return {"src": origin.source, "digest": origin.digest, "at": rfc3339(origin.at)}
