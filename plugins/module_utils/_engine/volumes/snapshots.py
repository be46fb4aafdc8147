# SPDX-License-Identifier: GPL-3.0-or-later
"""The snapshots of a volume: ``VOLUMES/NAME/snapshots/SNAPSHOT/data``, each with a note beside it."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Optional

from ..model.volume.content import Origin, Snapshot, decode_origin, decode_snapshot
from . import notes
from .notes import ORIGIN, SNAPSHOTS


def read(volume: str) -> tuple[Snapshot, ...]:
    """Return the snapshots of the volume at this path, oldest first."""
    found = []
    with suppress(FileNotFoundError):
        for name in os.listdir(f"{volume}/{SNAPSHOTS}"):
            note = notes.read(f"{volume}/{SNAPSHOTS}/{name}")
            snapshot = decode_snapshot(note["snapshot"]) if note else None
            found += [snapshot] if snapshot else []
    return tuple(sorted(found, key=lambda one: (one.created, one.name)))


def read_origin(volume: str) -> Optional[Origin]:
    """Return the archive or snapshot that the content was last replaced with, None if it was neither."""
    return decode_origin(notes.read(volume, name=ORIGIN))


def data(volume: str, name: str) -> str:
    """Return the path of a snapshot's content."""
    return f"{volume}/{SNAPSHOTS}/{name}/data"
