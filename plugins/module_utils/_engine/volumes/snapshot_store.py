# SPDX-License-Identifier: GPL-3.0-or-later
"""Put a snapshot of a volume in its place, and take one away: each at once and whole."""

from __future__ import annotations

import os
from contextlib import suppress

from ..kernel import files, libc
from ..kernel.staging import staging
from ..model.volume.content import Snapshot
from . import notes
from .notes import SNAPSHOTS


def prepare(stage: str, snapshot: Snapshot) -> None:
    """Write the note beside the copy, the ``data`` of a stage, and make both durable."""
    notes.write(stage, {"snapshot": snapshot.encode()})
    with files.directory(stage) as fd:
        libc.syncfs(fd)


def place(volume: str, stage: str, snapshot: Snapshot) -> None:
    """Put a prepared stage in its place; raises OSError (ENOTEMPTY) when the name is taken."""
    files.make_private(f"{volume}/{SNAPSHOTS}")
    files.fsync_directory(volume)
    os.rename(stage, f"{volume}/{SNAPSHOTS}/{snapshot.name}")
    files.fsync_directory(f"{volume}/{SNAPSHOTS}")


def remove(volume: str, name: str, *, trash: str) -> None:
    """Remove a snapshot, at once and whole; ``trash`` is the staging directory. One that is not there is fine."""
    with staging(trash) as (stage, _fd), suppress(FileNotFoundError):
        os.rename(f"{volume}/{SNAPSHOTS}/{name}", f"{stage}/trash")
        files.fsync_directory(f"{volume}/{SNAPSHOTS}")
