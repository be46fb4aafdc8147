# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts a finished tree in the place of a volume's content, so that a kill at any instant leaves the one or the other.

Where ``data`` is a plain directory one rename does it. A file system that is mounted on ``data`` can't be renamed over, nor can
a directory that containers run with: there the tree is made in a stage within it, and a rename of the stage decides. What then
remains, to move the entries up, can be repeated by anybody, and whoever comes next does so before anything looks at the content
(``mend``).
"""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import HostLacks
from ..kernel import files, libc, mountinfo
from ..kernel.removal import remove_tree
from ..trees.cursor import DIRECTORY
from ..trees.metadata import carry, clear_inherited, read_flags, write_flags

#: Beside ``data``: a copy under way, or what a killed one left.
STAGE_PREFIX = ".copyup-"
#: The same in a file system of the volume's own; names that begin so are the engine's there.
RESERVED = ".slipway-copyup"
_INSIDE_PREFIX = f"{RESERVED}-"
_DONE = f"{_INSIDE_PREFIX}done"
#: Beside a plain ``data`` while a stage in it is moved up: a container can make a directory that looks like one, but not this.
_SHARED = ".placing"
#: In such a stage: the tree; empty directories with the owner, mode, attributes and times of its root and of the volume's as it
#: was; and for each entry of the tree that is immutable or append-only, and so can't be renamed, an empty file with these flags.
_TREE, _ROOT, _BEFORE, _FLAGGED = "tree", "root", "before", "flagged"

#: A file system, or a kernel, that has no RENAME_NOREPLACE.
_CANNOT = (errno.EINVAL, errno.ENOSYS)
_NOT_EMPTY = (errno.ENOTEMPTY, errno.EEXIST)
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def has_own_filesystem(volume: str) -> bool:
    """Tell whether something is mounted on the volume's ``data``; a file server that is gone is not asked."""
    return mountinfo.at(f"{os.path.realpath(volume)}/data") is not None


def is_fresh(volume: str) -> bool:
    """Tell whether nothing is in the volume; the empty ``lost+found`` that mkfs makes in a file system is nothing."""
    return not _content(f"{volume}/data", own=has_own_filesystem(volume))


def mend(volume: str) -> None:
    """Finish what a killed placing had decided on, and remove what one that had not decided left."""
    for name in os.listdir(volume):
        if name.startswith(STAGE_PREFIX):
            remove_tree(f"{volume}/{name}")
    data, shared = f"{volume}/data", os.path.lexists(f"{volume}/{_SHARED}")
    for name in os.listdir(data):
        if name.startswith(_INSIDE_PREFIX):
            remove_tree(f"{data}/{name}")
        elif name == RESERVED and (shared or has_own_filesystem(volume)):
            _move_up(data)
    if shared:
        os.unlink(f"{volume}/{_SHARED}")


def mend_shared(volume: str) -> None:
    """Do the same for a plain ``data`` into which a stage was being moved up, and nothing for others."""
    if is_half_way(volume):
        mend(volume)


def is_half_way(volume: str) -> bool:
    """Tell whether a stage is being moved up into a plain ``data``, or was when it was killed."""
    return os.path.lexists(f"{volume}/{_SHARED}")


@contextmanager
def staged(volume: str, *, shared: bool = False) -> Iterator[Stage]:
    """Give a stage for new content of a volume that was mended; what was not placed goes with it.

    ``shared``: containers run with the volume, so its ``data`` has to stay the directory that it is.
    """
    own = has_own_filesystem(volume)
    stage = (StageInside if own else StageShared if shared else Stage)(volume)
    try:
        stage.open()
        yield stage
    finally:
        stage.remove()


class Stage:
    """A stage beside a plain ``data``: ``tree`` is the path of the directory to fill."""

    def __init__(self, volume: str) -> None:
        self.volume = volume
        self.path = self.tree = tempfile.mkdtemp(prefix=STAGE_PREFIX, dir=volume)

    def open(self) -> None:
        """Make what is in it."""

    def remove(self) -> None:
        """Remove what was not placed."""
        remove_tree(self.path)

    def place(self) -> bool:
        """Make the tree durable, and the volume's content; False, and nothing is done, when the volume is not empty."""
        _sync(self.path)
        try:
            os.rename(self.path, f"{self.volume}/data")  # replaces a directory only while it is empty
        except OSError as error:
            if error.errno not in _NOT_EMPTY:
                raise
            return False
        files.fsync_directory(self.volume)
        return True


class StageInside(Stage):
    """A stage within a volume's own file system."""

    def __init__(self, volume: str) -> None:
        self.volume = volume
        self._data = f"{volume}/data"
        self.path = tempfile.mkdtemp(prefix=_INSIDE_PREFIX, dir=self._data)
        self.tree = f"{self.path}/{_TREE}"
        self._names: set[str] = set()

    def open(self) -> None:
        """Make the directories that the stage consists of."""
        for name in (_TREE, _ROOT, _BEFORE, _FLAGGED):
            os.mkdir(f"{self.path}/{name}", 0o700)

    def place(self) -> bool:
        """Move the content in, durable first; False if the volume holds anything."""
        self._prepare()
        _sync(self.path)
        if _content(self._data, own=True):
            return False
        decided = f"{self._data}/{RESERVED}"
        os.rename(self.path, decided)
        try:
            files.fsync_directory(self._data)
            _move_up(self._data)
        except OSError:
            if os.path.lexists(decided):  # else all is in its place, and only the stage could not be removed
                self._take_back(decided)
            raise
        return True

    def _prepare(self) -> None:
        """Note beside the tree what moving its entries would spoil."""
        for source, noted in ((self.tree, _ROOT), (self._data, _BEFORE)):
            with files.directory(source) as root, files.directory(f"{self.path}/{noted}") as note:
                clear_inherited(note)
                carry(root, note, os.fstat(root))
        with files.directory(self.tree) as tree, files.directory(f"{self.path}/{_FLAGGED}") as flagged:
            self._names = {*os.listdir(tree)}
            for name in self._names:
                _check_name(name, tree)
                _note_flags(tree, name, flagged)

    def _take_back(self, decided: str) -> None:
        """Undo a move that failed half-way; what a container has made meanwhile is its own."""
        with files.directory(self._data) as data, files.directory(decided) as stage:
            _put_flags(stage, data, forth=False)
            with _directory(_TREE, stage) as tree:
                for name in (self._names - {*os.listdir(tree)}) & {*os.listdir(data)}:
                    os.rename(name, name, src_dir_fd=data, dst_dir_fd=tree)
            with _directory(_BEFORE, stage) as before:
                for name in {*os.listxattr(data)} - {*os.listxattr(before)}:
                    os.removexattr(data, name)
                _carry_root(before, data, os.fstat(before))
            os.rename(RESERVED, os.path.basename(self.path), src_dir_fd=data, dst_dir_fd=data)


class StageShared(StageInside):
    """A stage within a plain ``data`` that containers run with."""

    def place(self) -> bool:
        """Move the content in, with a note that keeps containers from starting meanwhile."""
        note = f"{self.volume}/{_SHARED}"
        os.close(os.open(note, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        files.fsync_directory(self.volume)
        try:
            return super().place()
        finally:
            if not os.path.lexists(f"{self._data}/{RESERVED}"):
                os.unlink(note)


def _content(data: str, *, own: bool) -> list[str]:
    with files.directory(data) as fd:
        return [
            name
            for name in os.listdir(fd)
            if not (own and (name.startswith(_INSIDE_PREFIX) or _is_lost_and_found(fd, name)))
        ]


def _is_lost_and_found(directory: int, name: str) -> bool:
    """Tell whether it is what mkfs makes: a directory of root's, closed for others, with nothing in it."""
    if name != "lost+found":
        return False
    seen = os.stat(name, dir_fd=directory, follow_symlinks=False)
    if (seen.st_mode, seen.st_uid, seen.st_gid) != (stat.S_IFDIR | 0o700, 0, 0):
        return False
    fd = os.open(name, DIRECTORY, dir_fd=directory)
    try:
        return not os.listdir(fd)
    finally:
        os.close(fd)


def _sync(path: str) -> None:
    # One sync of the file system is far cheaper than an fsync of each file.
    with files.directory(path) as fd:
        libc.syncfs(fd)


def _check_name(name: str, tree: int) -> None:
    """Refuse what could not be moved up: a name that the engine uses, and a file in the place of ``lost+found``."""
    odd = name == "lost+found" and not stat.S_ISDIR(os.stat(name, dir_fd=tree, follow_symlinks=False).st_mode)
    if odd or name.startswith(RESERVED):
        raise HostLacks(
            f"{name} can't be copied: it has another meaning in a volume with a file system of its own",
            remedy="Mount the volume with nocopy, or use a volume without driver options",
            path=name,
        )


def _note_flags(tree: int, name: str, flagged: int) -> None:
    """Take the flags that forbid a renaming off an entry, and put them on a file of the same name."""
    kind = stat.S_IFMT(os.stat(name, dir_fd=tree, follow_symlinks=False).st_mode)
    if kind not in (stat.S_IFREG, stat.S_IFDIR):
        return
    with _opened(name, tree) as entry:
        flags = read_flags(entry)
        if not flags:
            return
        note = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=flagged)
        try:
            write_flags(note, flags)
        finally:
            os.close(note)
        write_flags(entry, 0)


def _move_up(data: str) -> None:
    """Make what the stage that was decided on holds the volume's content; may be begun again after a kill anywhere.

    The times of the root itself are set once more after the stage is gone; a kill just before that leaves the time of the
    copy there, and nothing else.
    """
    with files.directory(data) as target, _directory(RESERVED, target) as stage:
        with _directory(_TREE, stage) as tree:
            for name in os.listdir(tree):
                _move(name, tree, target)
        _put_flags(stage, target)
        with _directory(_ROOT, stage) as root:
            seen = os.fstat(root)
            _carry_root(root, target, seen)
        os.fsync(target)
        os.rename(RESERVED, _DONE, src_dir_fd=target, dst_dir_fd=target)
        remove_tree(f"{data}/{_DONE}")
        os.utime(target, ns=(seen.st_atime_ns, seen.st_mtime_ns))
        os.fsync(target)


def _move(name: str, tree: int, target: int) -> None:
    """Move an entry up; what a container has made there meanwhile stays, for a volume's data is never replaced."""
    try:
        libc.renameat2(tree, name, target, name, libc.RENAME_NOREPLACE)
    except FileExistsError:
        if _is_lost_and_found(target, name):
            os.rename(name, name, src_dir_fd=tree, dst_dir_fd=target)
    except OSError as error:
        if error.errno not in _CANNOT:
            raise
        if not _exists(name, target) or _is_lost_and_found(target, name):
            os.rename(name, name, src_dir_fd=tree, dst_dir_fd=target)


def _exists(name: str, directory: int) -> bool:
    try:
        os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _put_flags(stage: int, target: int, *, forth: bool = True) -> None:
    """Give the entries their flags, or take them off those that are in the target already."""
    with _directory(_FLAGGED, stage) as flagged, _directory(_TREE, stage) as tree:
        for name in ({*os.listdir(flagged)} & {*os.listdir(target)}) - {*os.listdir(tree)}:
            with _opened(name, flagged) as note, _opened(name, target) as entry:
                write_flags(entry, read_flags(note) if forth else 0)


def _carry_root(source: int, target: int, seen: os.stat_result) -> None:
    try:
        carry(source, target, seen)
    except PermissionError:
        # A file server that squashes root refuses even a chown that changes nothing.
        have = os.fstat(target)
        if (have.st_uid, have.st_gid, have.st_mode) != (seen.st_uid, seen.st_gid, seen.st_mode):
            raise


@contextmanager
def _directory(name: str, above: int) -> Iterator[int]:
    """Open a directory of the stage; no symlink, whoever made it."""
    fd = os.open(name, DIRECTORY, dir_fd=above)
    try:
        yield fd
    finally:
        os.close(fd)


@contextmanager
def _opened(name: str, above: int) -> Iterator[int]:
    fd = os.open(name, _READ, dir_fd=above)
    try:
        yield fd
    finally:
        os.close(fd)
