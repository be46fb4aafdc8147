# SPDX-License-Identifier: GPL-3.0-or-later
"""Fills an empty volume with what the image has at the volume's mount points: all of it or nothing."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Optional

from .. import progress
from ..errors import HostLacks, StoreFull
from ..frozen import dataclass
from ..kernel import files, inroot
from ..model.values.idmap import IdMap
from ..trees.copy import CopyStats, copy_tree
from ..trees.cursor import walk
from ..trees.metadata import carry, clear_inherited
from .copyup_stage import is_fresh, mend, staged

_FULL = (errno.ENOSPC, errno.EDQUOT)
_NOTHING_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NOTHING = CopyStats(entries=0, bytes=0)
#: What st_blocks counts in.
_BLOCK = 512


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


def copy_up(
    *, rootfs: str, parts: Sequence[Part], volume: str, keep_root: bool = False, shared: bool = False
) -> Optional[CopyUp]:
    """Copy directories of a mounted root file system into an empty volume, whose directory holds ``data``.

    Destinations are resolved inside ``rootfs``. Returns None, and leaves the volume as it is, when it holds anything; None too
    when the image has no directory for any part that wants its content. From an empty directory, and with ``nocopy``, only owner
    and mode are carried over (libpod's mountNamedVolume and fixVolumePermissions). A part's subpath is made in the fresh volume
    whether the image has something for it or not. ``keep_root``: owner and mode of the volume's root stay as they are.

    The caller holds the volume's lock. ``shared``: containers run with the volume; else ``data`` may become another inode. Raises
    StoreFull (the volume is empty as before), HostLacks as ``copy_tree`` does, and for a volume that can't be written.
    """
    mend(volume)
    if not is_fresh(volume):
        return None
    with _told(volume, parts), _opened(rootfs, parts) as found:
        return _fill(found, volume, keep_root=keep_root, shared=shared)


def make_tree(
    *, rootfs: str, parts: Sequence[Part], volume: str, tree: str, keep_root: bool = False
) -> Optional[CopyUp]:
    """Make in the empty directory ``tree`` what ``copy_up`` would fill the volume with if it were empty; None for nothing.

    What is not said by the image, as the root's owner, is as in the volume.
    """
    with _told(volume, parts, "as before"), _opened(rootfs, parts) as found:
        stats = _make(found, tree, f"{volume}/data", keep_root=keep_root)
        return _result(found, stats)


def has_directory(rootfs: str, destination: str) -> bool:
    """Tell whether a root file system has a directory there to copy."""
    with _open_source(rootfs, destination) as source:
        return source is not None


@contextmanager
def copied_aside(
    *, rootfs: str, parts: Sequence[Part], volume: str, keep_root: bool = False
) -> Iterator[Optional[Callable[[], Optional[CopyUp]]]]:
    """Make what ``copy_up`` would fill the volume with, and give what places it; None for a volume that holds anything.

    What is not placed goes at the end. Raises as ``copy_up`` does.
    """
    with ExitStack() as stack:
        with _told(volume, parts):
            mend(volume)
            made = _stage(stack, rootfs, parts, volume, keep_root=keep_root) if is_fresh(volume) else None
        yield made


def _stage(
    stack: ExitStack, rootfs: str, parts: Sequence[Part], volume: str, *, keep_root: bool
) -> Callable[[], Optional[CopyUp]]:
    found = stack.enter_context(_opened(rootfs, parts))
    stage = stack.enter_context(staged(volume))
    stats = _make(found, stage.tree, f"{volume}/data", keep_root=keep_root)

    def place() -> Optional[CopyUp]:
        with _told(volume, parts):
            return _result(found, stats) if stats.entries and stage.place() else None

    return place


def content_size(*, rootfs: str, parts: Sequence[Part]) -> int:
    """Return how many bytes on a disk the content has that ``copy_up`` would copy."""
    with _opened(rootfs, parts) as found:
        sources = [item.copied for item in found if item.copied is not None]
        return sum(info.st_blocks * _BLOCK for source in sources for _parent, _name, info in walk(source))


@contextmanager
def _opened(rootfs: str, parts: Sequence[Part]) -> Iterator[list[_Found]]:
    """Open the parts' directories in the image: the part for the whole volume first, of several only one, then the others."""
    whole = [part for part in parts if not part.subpath]
    below = sorted((part for part in parts if part.subpath), key=lambda part: part.subpath)
    with ExitStack() as stack:
        yield [
            _Found(part, stack.enter_context(_open_source(rootfs, part.destination)))
            for part in (*whole[:1], *below)
        ]


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


@contextmanager
def _told(volume: str, parts: Sequence[Part], state: str = "empty as before") -> Iterator[None]:
    """Tell in words that a user can act on what the volume's file system refuses."""
    name, source = os.path.basename(volume), parts[0].destination
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StoreFull(
                f"no space to copy {source} into volume {name}: {error.strerror}",
                remedy=f"Free space on the file system of the volume; the volume is {state}",
                volume=name,
            ) from error
        if error.errno == errno.E2BIG:
            raise HostLacks(
                f"{source} can't be copied into volume {name}: {error.strerror}",
                remedy=f"Keep the volume on one that does (xfs takes 64 KiB); it is {state}",
                volume=name,
            ) from error
        if error.errno != errno.EROFS:
            raise
        raise HostLacks(
            f"volume {name} is empty, and mounted read-only, so it can't be filled",
            remedy="Fill it elsewhere, or mount it writable once",
            volume=name,
        ) from error


def _fill(found: Sequence[_Found], volume: str, *, keep_root: bool, shared: bool) -> Optional[CopyUp]:
    below = any(item.part.subpath for item in found)
    if not below and not any(os.listdir(item.copied) for item in found if item.copied is not None):
        if not keep_root:
            _give(found[0], f"{volume}/data")
        return _result(found, _NOTHING)
    with staged(volume, shared=shared) as stage:
        stats = _make(found, stage.tree, f"{volume}/data", keep_root=keep_root)
        # None when it was written to meanwhile.
        return _result(found, stats) if stage.place() else None


def _result(found: Sequence[_Found], stats: CopyStats) -> Optional[CopyUp]:
    places = tuple((item.part.destination, item.part.subpath) for item in found if item.copied is not None)
    return CopyUp(stats.entries, stats.bytes, places) if places else None


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


def _make(found: Sequence[_Found], path: str, model: str, *, keep_root: bool) -> CopyStats:
    """Copy all parts into an empty directory; ``model`` is the volume's root as it is."""
    with (
        files.directory(path) as tree,
        files.directory(model) as data,
        progress.operation(f"copying up {found[0].part.destination}"),
    ):
        stats = [_copy_root(found[0], tree, data, keep_root=keep_root)]
        stats += [_copy_below(item, tree) for item in found if item.part.subpath]
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
