# SPDX-License-Identifier: GPL-3.0-or-later
"""Add and remove snapshots of a volume, each in one step."""

from __future__ import annotations

import os
from contextlib import suppress

from ..kernel import files, libc
from ..kernel.staging import staging
from ..model.volume.content import Snapshot
from . import notes
from .notes import SNAPSHOTS


def prepare(stage: str, snapshot: Snapshot) -> None:
    """Write the note beside the copy, the ``data`` of a stage, and sync both."""
    notes.write(stage, {"snapshot": snapshot.encode()})
    with files.directory(stage) as fd:
        libc.syncfs(fd)


def place(volume: str, stage: str, snapshot: Snapshot) -> None:
    """Move a prepared stage into place. Raises OSError (ENOTEMPTY) when the name is taken."""
    files.make_private(f"{volume}/{SNAPSHOTS}")
    files.fsync_directory(volume)
    os.rename(stage, f"{volume}/{SNAPSHOTS}/{snapshot.name}")
    files.fsync_directory(f"{volume}/{SNAPSHOTS}")


def remove(volume: str, name: str, *, trash: str) -> None:
    """Remove a snapshot in one step, if it exists; ``trash`` is the staging directory."""
    with staging(trash) as (stage, _fd), suppress(FileNotFoundError):
        os.rename(f"{volume}/{SNAPSHOTS}/{name}", f"{stage}/trash")
        files.fsync_directory(f"{volume}/{SNAPSHOTS}")
