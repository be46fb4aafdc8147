# SPDX-License-Identifier: GPL-3.0-or-later
"""Replace a volume's ``data`` in one step, and keep the old content as a snapshot or delete it.

The new content is built in a separate directory, with a note that says what becomes of the old. That directory is moved
beside ``data``, where the next process finds it, and then the kernel exchanges the two in one step. The note has the
inode of the new content, so it shows whether a kill came before that step or after it: before, the directory is waste;
after, it holds the old content, and the next process finishes what the note says.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Optional

from ..errors import HostLacks
from ..kernel import files, libc
from ..kernel.staging import staging
from ..model.volume.content import Origin, Snapshot
from . import notes
from .notes import ORIGIN, SNAPSHOTS

#: The prefix of a directory beside ``data`` for an exchange that is in progress, or was killed.
PENDING = ".exchange-"


def prepare(stage: str, *, keep: Optional[Snapshot], origin: Optional[Origin]) -> None:
    """Write the note beside the new ``data`` of a stage, and sync both.

    ``keep``: the snapshot that the old content becomes, None to delete it. ``origin``: the archive or snapshot that the new
    content is from, None for neither.
    """
    note = {
        "inode": os.stat(f"{stage}/data").st_ino,
        "snapshot": keep.encode() if keep else None,
        "origin": origin.encode() if origin else None,
    }
    notes.write(stage, note)
    if origin is not None:
        notes.write(stage, origin.encode(), name=ORIGIN)
    with files.directory(stage) as fd:
        libc.syncfs(fd)


def begin(volume: str, stage: str) -> str:
    """Move a prepared stage into the volume's directory, beside ``data``, and return its new path."""
    pending = f"{volume}/{PENDING}{os.urandom(8).hex()}"
    os.rename(stage, pending)
    files.fsync_directory(volume)
    return pending


def exchange(volume: str, pending: str) -> None:
    """Exchange the contents. Raises HostLacks if the file system can't; the volume is unchanged then."""
    with files.directory(volume) as top, files.directory(pending) as stage:
        try:
            libc.renameat2(stage, "data", top, "data", libc.RENAME_EXCHANGE)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            raise HostLacks(
                f"the file system of {volume} can't exchange two directories",
                remedy="Keep the engine's root on ext4, xfs, btrfs or tmpfs",
                path=volume,
            ) from error
        os.fsync(top)
        os.fsync(stage)


def is_pending(volume: str) -> bool:
    """Return whether an exchange is in progress, or was killed; False if the volume does not exist."""
    return bool(_pending(volume))


def settle(volume: str, *, trash: str, note_arrival: Callable[[Origin], object]) -> None:
    """Finish the pending exchanges that have happened, and discard the others.

    The caller holds the volume's lock. ``note_arrival`` is called for new content before the last trace of its exchange
    is removed. ``trash`` is the staging directory.
    """
    for path in _pending(volume):
        found = notes.read(path)
        if found is not None and _has_happened(volume, found):
            _finish(volume, path, found, trash, note_arrival)
        else:
            _discard(path, trash)


def _pending(volume: str) -> list[str]:
    with suppress(FileNotFoundError):
        return [f"{volume}/{name}" for name in sorted(os.listdir(volume)) if name.startswith(PENDING)]
    return []


def _has_happened(volume: str, note: dict[str, Any]) -> bool:
    # Both directories exist as long as the note does, so neither inode can have been reused.
    return bool(os.stat(f"{volume}/data").st_ino == note["inode"])


def _finish(
    volume: str,
    path: str,
    note: dict[str, Any],
    trash: str,
    note_arrival: Callable[[Origin], object],
) -> None:
    if note["origin"] is None:
        with suppress(FileNotFoundError):
            os.unlink(f"{volume}/{ORIGIN}")
    else:
        with suppress(FileNotFoundError):  # moved already
            os.rename(f"{path}/{ORIGIN}", f"{volume}/{ORIGIN}")
        note_arrival(Origin(**note["origin"]))
    files.fsync_directory(volume)
    if note["snapshot"] is None:
        _discard(path, trash)
        return
    files.make_private(f"{volume}/{SNAPSHOTS}")
    os.rename(path, f"{volume}/{SNAPSHOTS}/{note['snapshot']['name']}")
    files.fsync_directory(f"{volume}/{SNAPSHOTS}")
    files.fsync_directory(volume)


def _discard(path: str, trash: str) -> None:
    """Delete a directory; it disappears at once, and a sweep deletes what a kill leaves."""
    with staging(trash) as (stage, _fd):
        os.rename(path, f"{stage}/trash")
        files.fsync_directory(os.path.dirname(path))
