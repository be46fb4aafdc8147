# SPDX-License-Identifier: GPL-3.0-or-later
"""Copy the image's content at a volume's mount points into the empty volume, all or nothing (copy-up)."""

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
#: The unit of st_blocks in bytes.
_BLOCK = 512


@dataclass(frozen=True)
class Part:
    """A directory of the image, and its place in the volume: ``subpath``, "" for the volume's root.

    ``content`` False (``nocopy``): copy only owner and mode. ``owners`` maps the source's ids to those on the volume's
    disk if they differ. ``owner`` is the owner when the image does not have the directory.
    """

    destination: str
    subpath: str = ""
    content: bool = True
    owners: Optional[IdMap] = None
    owner: Optional[tuple[int, int]] = None


@dataclass(frozen=True)
class CopyUp:
    """The result of a copy-up: its size, and the (destination, subpath) of each part copied, in order."""

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
        """The directory whose content is copied, None if none is."""
        return self.source if self.part.content else None


def copy_up(
    *, rootfs: str, parts: Sequence[Part], volume: str, keep_root: bool = False, shared: bool = False
) -> Optional[CopyUp]:
    """Copy directories of a mounted root file system into the ``data`` of an empty volume.

    Destinations are resolved inside ``rootfs``. Returns None, without changing the volume, when it is not empty; also
    None when the image has no directory for any part that wants content. From an empty directory, and with ``nocopy``,
    only owner and mode are copied (libpod's mountNamedVolume and fixVolumePermissions). A part's subpath is created in
    the fresh volume even if the image has nothing for it. ``keep_root``: do not change the owner and mode of the
    volume's root.

    The caller holds the volume's lock. ``shared``: containers run with the volume, so ``data`` must stay the same
    inode. Raises StoreFull (the volume is still empty), HostLacks as ``copy_tree`` does, and for a volume that is
    read-only.
    """
    mend(volume)
    if not is_fresh(volume):
        return None
    with _translated_errors(volume, parts), _opened(rootfs, parts) as found:
        return _fill(found, volume, keep_root=keep_root, shared=shared)


def make_tree(
    *, rootfs: str, parts: Sequence[Part], volume: str, tree: str, keep_root: bool = False
) -> Optional[CopyUp]:
    """Build in the empty directory ``tree`` what ``copy_up`` would put into the volume.

    Returns None if nothing is copied. Attributes that the image does not determine, as the root's owner may be, are the
    volume's.
    """
    with _translated_errors(volume, parts, "unchanged"), _opened(rootfs, parts) as found:
        stats = _make(found, tree, f"{volume}/data", keep_root=keep_root)
        return _result(found, stats)


def has_directory(rootfs: str, destination: str) -> bool:
    """Return whether a root file system has a directory to copy at the destination."""
    with _open_source(rootfs, destination) as source:
        return source is not None


@contextmanager
def copied_aside(
    *, rootfs: str, parts: Sequence[Part], volume: str, keep_root: bool = False
) -> Iterator[Optional[Callable[[], Optional[CopyUp]]]]:
    """Stage what ``copy_up`` would put into the volume, and yield a function that places it.

    Yields None for a volume that is not empty. A stage that was not placed is removed at the end. Raises as ``copy_up`` does.
    """
    with ExitStack() as stack:
        with _translated_errors(volume, parts):
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
        with _translated_errors(volume, parts):
            return _result(found, stats) if stats.entries and stage.place() else None

    return place


def content_size(*, rootfs: str, parts: Sequence[Part]) -> int:
    """Return the disk use in bytes of the content that ``copy_up`` would copy."""
    with _opened(rootfs, parts) as found:
        sources = [item.copied for item in found if item.copied is not None]
        return sum(info.st_blocks * _BLOCK for source in sources for _parent, _name, info in walk(source))


@contextmanager
def _opened(rootfs: str, parts: Sequence[Part]) -> Iterator[list[_Found]]:
    """Open the parts' directories in the image: first the part for the whole volume, then the others."""
    whole = [part for part in parts if not part.subpath]
    below = sorted((part for part in parts if part.subpath), key=lambda part: part.subpath)
    with ExitStack() as stack:
        yield [
            _Found(part, stack.enter_context(_open_source(rootfs, part.destination)))
            for part in (*whole[:1], *below)
        ]


@contextmanager
def _open_source(rootfs: str, destination: str) -> Iterator[Optional[int]]:
    """Open the directory ``destination`` inside ``rootfs``; yield None when it does not exist."""
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
def _translated_errors(volume: str, parts: Sequence[Part], state: str = "still empty") -> Iterator[None]:
    """Translate errors of the volume's file system into StoreFull or HostLacks with a remedy."""
    name, source = os.path.basename(volume), parts[0].destination
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StoreFull(
                f"no space to copy {source} into volume {name}: {error.strerror}",
                remedy=f"Free space on the volume's file system; the volume is {state}",
                volume=name,
            ) from error
        if error.errno == errno.E2BIG:
            raise HostLacks(
                f"{source} can't be copied into volume {name}: {error.strerror}",
                remedy=f"Keep the volume on a file system with room for the attributes (xfs takes 64 KiB); it is {state}",
                volume=name,
            ) from error
        if error.errno != errno.EROFS:
            raise
        raise HostLacks(
            f"volume {name} can't be filled: it is empty, and mounted read-only",
            remedy="Fill it on another host, or mount it read-write once",
            volume=name,
        ) from error


def _fill(found: Sequence[_Found], volume: str, *, keep_root: bool, shared: bool) -> Optional[CopyUp]:
    below = any(item.part.subpath for item in found)
    if not below and not any(os.listdir(item.copied) for item in found if item.copied is not None):
        if not keep_root:
            _set_owner(found[0], f"{volume}/data")
        return _result(found, _NOTHING)
    with staged(volume, shared=shared) as stage:
        stats = _make(found, stage.tree, f"{volume}/data", keep_root=keep_root)
        # None when a container has written to the volume meanwhile.
        return _result(found, stats) if stage.place() else None


def _result(found: Sequence[_Found], stats: CopyStats) -> Optional[CopyUp]:
    places = tuple((item.part.destination, item.part.subpath) for item in found if item.copied is not None)
    return CopyUp(stats.entries, stats.bytes, places) if places else None


# -- owner and mode only ---------------------------------------------------------------------------


def _set_owner(item: _Found, path: str) -> None:
    """Set a volume directory's owner and mode to those of the image's, else to the part's owner."""
    with files.directory(path) as target:
        have = os.fstat(target)
        uid, gid, mode = _wanted(item, have)
        # A file server with root squashing refuses even a chown that changes nothing.
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
    """Copy all parts into an empty directory; ``model`` is the volume's present root."""
    with (
        files.directory(path) as tree,
        files.directory(model) as data,
        progress.operation(f"copying up {found[0].part.destination}"),
    ):
        stats = [_copy_root(found[0], tree, data, keep_root=keep_root)]
        stats += [_copy_below(item, tree) for item in found if item.part.subpath]
    return CopyStats(sum(each.entries for each in stats), sum(each.bytes for each in stats))


def _copy_root(first: _Found, tree: int, data: int, *, keep_root: bool) -> CopyStats:
    """Build the volume's new root in the stage, with the content of the part for the whole volume."""
    whole = not first.part.subpath
    stats = _NOTHING
    clear_inherited(tree)
    if whole and first.copied is not None:
        stats = copy_tree(first.copied, tree, first.part.owners)
        if not keep_root:
            return stats
    carry(data, tree, os.fstat(data))
    if whole and not keep_root:
        _set_owner(first, f"/proc/self/fd/{tree}")
    return stats


def _copy_below(item: _Found, tree: int) -> CopyStats:
    """Create and fill the part's directory, unless the part for the whole volume contains it."""
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
        _set_owner(item, f"/proc/self/fd/{target}")
    finally:
        os.close(target)
    return _NOTHING
