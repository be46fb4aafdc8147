# SPDX-License-Identifier: GPL-3.0-or-later
"""Fills an empty volume with what the image has at the volume's mount points: all of it or nothing."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Optional

from ..errors import HostLacks, StoreFull
from ..kernel import files, inroot
from ..model.idmap import IdMap
from ..trees.copy import CopyStats, copy_tree
from ..trees.metadata import carry, clear_inherited
from .placing import is_fresh, mend, staged

_FULL = (errno.ENOSPC, errno.EDQUOT)
_NOTHING_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NOTHING = CopyStats(entries=0, bytes=0)


@dataclass(frozen=True)
class Part:
    """A place of the image, and where in the volume it belongs: ``subpath``, "" for the volume's root.

    ``content`` False (``nocopy``): only owner and mode are carried over. ``owners``: what the ids of the source are on the
    volume's disk, where that is not the same. ``owner``: whose the place is when the image has no directory for it.
    """

    destination: str
    subpath: str = ""
    content: bool = True
    owners: Optional[IdMap] = None
    owner: Optional[tuple[int, int]] = None


@dataclass(frozen=True)
class CopyUp:
    """What was copied into a volume: how much, and from which places of the image (destination, subpath), the first first."""

    entries: int
    bytes: int
    places: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class _Found:
    """A part, and its directory in the image, if that has one."""

    part: Part
    source: Optional[int]

    @property
    def copied(self) -> Optional[int]:
        """What is copied, content and all."""
        return self.source if self.part.content else None


def copy_up(*, rootfs: str, parts: Sequence[Part], volume: str, keep_root: bool = False) -> Optional[CopyUp]:
    """Copy directories of a mounted root file system into an empty volume, whose directory holds ``data``.

    Destinations are resolved inside ``rootfs``. Returns None, and leaves the volume as it is, when it holds anything; None too
    when the image has no directory for any part that wants its content. From an empty directory, and with ``nocopy``, only owner
    and mode are carried over (libpod's mountNamedVolume and fixVolumePermissions). A part's subpath is made in the fresh volume
    whether the image has something for it or not. ``keep_root``: owner and mode of the volume's root are the user's choice.

    The caller holds the volume's lock, and no running container uses the volume: ``data`` may become another inode. Raises
    StoreFull (the volume is empty as before), HostLacks as ``copy_tree`` does, and for a volume that can't be written.
    """
    mend(volume)
    if not is_fresh(volume):
        return None
    with ExitStack() as stack:
        found = [_Found(part, stack.enter_context(_open_source(rootfs, part.destination))) for part in parts]
        try:
            return _fill(_arranged(found), volume, keep_root=keep_root)
        except OSError as error:
            raise _told(error, os.path.basename(volume), parts[0].destination) from error


@contextmanager
def _open_source(rootfs: str, destination: str) -> Iterator[Optional[int]]:
    """Open ``destination`` inside ``rootfs``, or give None when no directory is there."""
    with files.directory(rootfs) as root:
        try:
            source = inroot.open_in_root(root, destination, _DIRECTORY)
        except OSError as error:
            if error.errno not in _NOTHING_THERE:
                raise
            source = None
    try:
        yield source
    finally:
        if source is not None:
            os.close(source)


def _told(error: OSError, name: str, destination: str) -> Exception:
    """Return the error in words that a user can act on; it itself when there are none."""
    if error.errno in _FULL:
        return StoreFull(
            f"no space to copy {destination} into volume {name}: {error.strerror}",
            remedy="Free space on the file system of the volume; the volume is empty as before",
            volume=name,
        )
    if error.errno == errno.EROFS:
        return HostLacks(
            f"volume {name} is empty, and mounted read-only, so it can't be filled",
            remedy="Fill it elsewhere, or mount it writable once",
            volume=name,
        )
    return error


def _arranged(found: Sequence[_Found]) -> list[_Found]:
    """Return the part for the whole volume first, of several only one, then those for directories in it."""
    whole = [item for item in found if not item.part.subpath]
    below = sorted((item for item in found if item.part.subpath), key=lambda item: item.part.subpath)
    return whole[:1] + below


def _fill(found: Sequence[_Found], volume: str, *, keep_root: bool) -> Optional[CopyUp]:
    copied = [item for item in found if item.copied is not None]
    if any(item.part.subpath for item in found) or any(os.listdir(item.copied) for item in copied):
        stats = _copy_by_stage(found, volume, keep_root=keep_root)
    else:
        stats = _NOTHING
        if not keep_root:
            _give(found[0], f"{volume}/data")
    if stats is None or not copied:
        return None
    places = tuple((item.part.destination, item.part.subpath) for item in copied)
    return CopyUp(stats.entries, stats.bytes, places)


# -- owner and mode alone --------------------------------------------------------------------------


def _give(item: _Found, path: str) -> None:
    """Give a directory of the volume the owner and mode of the image's, or else to whom it is meant for."""
    with files.directory(path) as target:
        have = os.fstat(target)
        uid, gid, mode = _wanted(item, have)
        # A file server that squashes root refuses even a chown that changes nothing.
        if (have.st_uid, have.st_gid) != (uid, gid):
            os.chown(target, uid, gid)
        if stat.S_IMODE(have.st_mode) != mode:
            os.chmod(target, mode)
        os.fsync(target)


def _wanted(item: _Found, have: os.stat_result) -> tuple[int, int, int]:
    part = item.part
    if item.source is None:
        return (*(part.owner or (have.st_uid, have.st_gid)), stat.S_IMODE(have.st_mode))
    seen = os.fstat(item.source)
    owner = (
        part.owners.host(seen.st_uid, seen.st_gid) if part.owners is not None else (seen.st_uid, seen.st_gid)
    )
    return (*owner, stat.S_IMODE(seen.st_mode))


# -- the content -----------------------------------------------------------------------------------


def _copy_by_stage(found: Sequence[_Found], volume: str, *, keep_root: bool) -> Optional[CopyStats]:
    """Copy all parts into a stage and put that in the volume's place; None when it was written to meanwhile."""
    with staged(volume) as stage:
        with files.directory(stage.tree) as tree, files.directory(f"{volume}/data") as data:
            stats = [_copy_root(found[0], tree, data, keep_root=keep_root)]
            stats += [_copy_below(item, tree) for item in found if item.part.subpath]
        if not stage.place():
            return None
    return CopyStats(sum(each.entries for each in stats), sum(each.bytes for each in stats))


def _copy_root(first: _Found, tree: int, data: int, *, keep_root: bool) -> CopyStats:
    """Make the stage what the volume's root is to be, with the content of the part that is for all of the volume."""
    whole = not first.part.subpath
    stats = _NOTHING
    clear_inherited(tree)
    if whole and first.copied is not None:
        stats = copy_tree(first.copied, tree, first.part.owners)
        if not keep_root:
            return stats
    carry(data, tree, os.fstat(data))
    if whole and not keep_root:
        _give(first, f"/proc/self/fd/{tree}")
    return stats


def _copy_below(item: _Found, tree: int) -> CopyStats:
    """Make the part's directory, unless the part for all of the volume has brought it, and fill it."""
    part = item.part
    try:
        os.close(inroot.open_in_root(tree, part.subpath, os.O_PATH))
    except FileNotFoundError:
        os.close(inroot.make_directory(tree, part.subpath))
    else:
        return _NOTHING
    target = inroot.open_in_root(tree, part.subpath, _DIRECTORY)
    try:
        if item.copied is not None:
            return copy_tree(item.copied, target, part.owners)
        _give(item, f"/proc/self/fd/{target}")
    finally:
        os.close(target)
    return _NOTHING
