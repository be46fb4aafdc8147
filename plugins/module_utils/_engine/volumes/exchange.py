# SPDX-License-Identifier: GPL-3.0-or-later
"""Put other content in the place of a volume's ``data``, all at once, and keep what was there as a snapshot or let it go.

What comes is made in a directory of its own, with a note of what is to become of the old content. That directory is moved
beside ``data``, where whoever comes next finds it, and then the kernel exchanges the two in one step. The note has the
inode of what comes, so that one look tells whether a kill came before that step or after it: before, it is waste, after,
it holds the old content, and the rest is done as the note says.
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

#: A directory beside ``data`` whose name begins so is an exchange under way, or one that was killed.
PENDING = ".exchange-"


def prepare(stage: str, *, keep: Optional[Snapshot], origin: Optional[Origin]) -> None:
    """Write the note beside the new ``data`` of a stage, and make both durable.

    ``keep``: the snapshot that the old content becomes, None: it goes. ``origin``: where the new content comes from, None
    where that is nothing that anybody asks for.
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
    """Move a prepared stage into the volume's directory, which has to hold ``data``, and return where it is now."""
    pending = f"{volume}/{PENDING}{os.urandom(8).hex()}"
    os.rename(stage, pending)
    files.fsync_directory(volume)
    return pending


def exchange(volume: str, pending: str) -> None:
    """Exchange the contents. Raises HostLacks where the file system can't; the volume is as before then."""
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
    """Tell whether an exchange is under way, or was killed; False when there is no such volume."""
    return bool(_pending(volume))


def settle(volume: str, *, trash: str, note_arrival: Callable[[Origin], object]) -> None:
    """End all exchanges that are pending; the caller holds the volume's lock.

    ``note_arrival`` is told of content that has come, before the last sign of it goes. ``trash`` is the staging directory.
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
    # Both directories are there as long as the note is, so neither inode can have been given to another.
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
        with suppress(FileNotFoundError):  # it is there already
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
    """Delete a directory; it is out of sight at once, and what a kill leaves of it is swept."""
    with staging(trash) as (stage, _fd):
        os.rename(path, f"{stage}/trash")
        files.fsync_directory(os.path.dirname(path))
