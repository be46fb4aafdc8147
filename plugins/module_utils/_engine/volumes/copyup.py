# SPDX-License-Identifier: GPL-3.0-or-later
"""Fills an empty volume with what the image has at the volume's mount point: all of it or nothing."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Optional

from ..errors import InUse, StoreFull
from ..kernel import files, inroot, libc
from ..kernel.removal import remove_tree
from ..trees.copy import CopyStats, copy_tree

#: A directory in the volume, beside ``data``, whose name begins so is a copy under way, or what a killed
#: one left.
STAGE_PREFIX = ".copyup-"

_FULL = (errno.ENOSPC, errno.EDQUOT)
_NOTHING_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
_NOT_EMPTY = (errno.ENOTEMPTY, errno.EEXIST)


@dataclass(frozen=True)
class CopyUp:
    """What was copied into a volume, and the host path of the directory it came from."""

    entries: int
    bytes: int
    source: str


def copy_up(*, rootfs: str, destination: str, volume: str) -> Optional[CopyUp]:
    """Copy a directory of a mounted root file system into an empty volume, whose directory holds ``data``.

    ``destination`` is resolved inside ``rootfs``. Returns None, and leaves the volume as it is, when it holds
    anything or when the image has no directory there. From an empty directory only owner and mode are carried
    over (libpod's mountNamedVolume and copyOwnerAndPerms).

    The caller holds the volume's lock, and no running container uses the volume: ``data`` becomes another
    inode. Raises StoreFull (the volume is empty as before), InUse when a file system is mounted on ``data``,
    HostLacks as ``copy_tree`` does.
    """
    for name in os.listdir(volume):
        if name.startswith(STAGE_PREFIX):
            remove_tree(os.path.join(volume, name))
    if os.listdir(os.path.join(volume, "data")):
        return None
    with _open_source(rootfs, destination) as source:
        return None if source is None else _fill(source, volume)


@contextmanager
def _open_source(rootfs: str, destination: str) -> Iterator[Optional[int]]:
    """Open ``destination`` inside ``rootfs``, or give None when no directory is there."""
    with files.directory(rootfs) as root:
        try:
            source = inroot.open_in_root(root, destination, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            if error.errno not in _NOTHING_THERE:
                raise
            source = None
    try:
        yield source
    finally:
        if source is not None:
            os.close(source)


def _fill(source: int, volume: str) -> Optional[CopyUp]:
    origin = os.readlink(f"/proc/self/fd/{source}")
    try:
        fill = _copy_by_stage if os.listdir(source) else _carry_owner_and_mode
        stats = fill(source, volume)
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise StoreFull(
            f"no space to copy {origin} into volume {os.path.basename(volume)}: {error.strerror}",
            remedy="Free space on the file system of the volumes; the volume is empty as before",
            volume=os.path.basename(volume),
        ) from error
    return None if stats is None else CopyUp(stats.entries, stats.bytes, origin)


def _carry_owner_and_mode(source: int, volume: str) -> CopyStats:
    wanted = os.fstat(source)
    with files.directory(os.path.join(volume, "data")) as data:
        have = os.fstat(data)
        # A file server that squashes root refuses even a chown that changes nothing.
        if (have.st_uid, have.st_gid) != (wanted.st_uid, wanted.st_gid):
            os.chown(data, wanted.st_uid, wanted.st_gid)
        if have.st_mode != wanted.st_mode:
            os.chmod(data, stat.S_IMODE(wanted.st_mode))
        os.fsync(data)
    return CopyStats(entries=0, bytes=0)


def _copy_by_stage(source: int, volume: str) -> Optional[CopyStats]:
    """Copy beside ``data``, make it durable, rename it over; None when ``data`` was written to meanwhile."""
    stage = tempfile.mkdtemp(prefix=STAGE_PREFIX, dir=volume)
    try:
        with files.directory(stage) as target:
            stats = copy_tree(source, target)
            # One sync of the file system is far cheaper than an fsync of each file.
            libc.syncfs(target)
        return stats if _replace_empty(stage, volume) else None
    finally:
        remove_tree(stage)


def _replace_empty(stage: str, volume: str) -> bool:
    """Rename ``stage`` over ``data``; rename(2) replaces a directory only while it is empty."""
    try:
        os.rename(stage, os.path.join(volume, "data"))
    except OSError as error:
        if error.errno in _NOT_EMPTY:
            return False
        if error.errno != errno.EBUSY:
            raise
        raise InUse(
            f"volume {os.path.basename(volume)} can't be filled: a file system is mounted on its data",
            remedy="Unmount that, or mount the volume with nocopy",
            volume=os.path.basename(volume),
        ) from error
    files.fsync_directory(volume)
    return True
