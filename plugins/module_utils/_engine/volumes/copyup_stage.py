# SPDX-License-Identifier: GPL-3.0-or-later
"""Move a finished tree into an empty volume, so that a kill at any point leaves it empty or whole.

A plain ``data`` is replaced with a single rename. A rename can replace neither a mount point nor a directory that containers
run with: there the tree is built in a stage inside ``data``, and a rename of the stage is the point of commitment. The rest,
moving the entries up, can be repeated by any process; the next one does so before it reads the content (``mend``).
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

#: Beside ``data``: a copy in progress, or left by a killed one.
STAGE_PREFIX = ".copyup-"
#: The same inside the volume's own file system, where names with this prefix are reserved for the engine.
RESERVED = ".slipway-copyup"
_INSIDE_PREFIX = f"{RESERVED}-"
_DONE = f"{_INSIDE_PREFIX}done"
#: Beside a plain ``data`` while a stage in it is moved up. A container can forge a directory inside ``data``, but not this file.
_SHARED = ".placing"
#: In such a stage: the tree; empty directories with the owner, mode, attributes and times of its root, and of the volume's former
#: root; and for each immutable or append-only entry of the tree, which can't be renamed, an empty file with these flags.
_TREE, _ROOT, _BEFORE, _FLAGGED = "tree", "root", "before", "flagged"

#: The errors of a file system, or a kernel, without RENAME_NOREPLACE.
_CANNOT = (errno.EINVAL, errno.ENOSYS)
_NOT_EMPTY = (errno.ENOTEMPTY, errno.EEXIST)
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def has_own_filesystem(volume: str) -> bool:
    """Return whether something is mounted on the volume's ``data``; never waits for a lost file server."""
    return mountinfo.at(f"{os.path.realpath(volume)}/data") is not None


def is_fresh(volume: str) -> bool:
    """Return whether the volume is empty; the empty ``lost+found`` that mkfs creates does not count."""
    return not _content(f"{volume}/data", own=has_own_filesystem(volume))


def mend(volume: str) -> None:
    """Finish a killed placement that was committed, and remove stages of those that were not."""
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
    """Mend a plain ``data`` into which a stage was being moved up; do nothing otherwise."""
    if is_half_way(volume):
        mend(volume)


def is_half_way(volume: str) -> bool:
    """Return whether a stage is being moved up into a plain ``data``, or was when the process was killed."""
    return os.path.lexists(f"{volume}/{_SHARED}")


@contextmanager
def staged(volume: str, *, shared: bool = False) -> Iterator[Stage]:
    """Yield a stage for new content of a mended volume; remove it at the end unless it was placed.

    ``shared``: containers run with the volume, so its ``data`` must stay the same directory.
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
        """Create the stage's directories."""

    def remove(self) -> None:
        """Remove the stage unless it was placed."""
        remove_tree(self.path)

    def place(self) -> bool:
        """Sync the tree, and make it the volume's content; return False, unchanged, if the volume is not empty."""
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
    """A stage inside the volume's own file system."""

    def __init__(self, volume: str) -> None:
        self.volume = volume
        self._data = f"{volume}/data"
        self.path = tempfile.mkdtemp(prefix=_INSIDE_PREFIX, dir=self._data)
        self.tree = f"{self.path}/{_TREE}"
        self._names: set[str] = set()

    def open(self) -> None:
        """Create the stage's directories."""
        for name in (_TREE, _ROOT, _BEFORE, _FLAGGED):
            os.mkdir(f"{self.path}/{name}", 0o700)

    def place(self) -> bool:
        """Sync the tree, then move it into the volume; return False if the volume is not empty."""
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
            if os.path.lexists(decided):  # otherwise only the removal of the stage has failed
                self._take_back(decided)
            raise
        return True

    def _prepare(self) -> None:
        """Save, beside the tree, attributes that moving its entries would lose."""
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
        """Undo a move that failed halfway; entries that a container has created meanwhile stay."""
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
    """A stage inside a plain ``data`` that containers run with."""

    def place(self) -> bool:
        """Move the tree into the volume, with a note that keeps containers from starting meanwhile."""
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
    """Return whether the entry is mkfs's ``lost+found``: an empty directory of root with mode 0700."""
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
    # One syncfs(2) is far cheaper than an fsync(2) of each file.
    with files.directory(path) as fd:
        libc.syncfs(fd)


def _check_name(name: str, tree: int) -> None:
    """Check that an entry can be moved up. Raises HostLacks for a reserved name, or a file ``lost+found``."""
    odd = name == "lost+found" and not stat.S_ISDIR(os.stat(name, dir_fd=tree, follow_symlinks=False).st_mode)
    if odd or name.startswith(RESERVED):
        raise HostLacks(
            f"{name} can't be copied: the name is reserved in a volume with its own file system",
            remedy="Mount the volume with nocopy, or use a volume without driver options",
            path=name,
        )


def _note_flags(tree: int, name: str, flagged: int) -> None:
    """Move the flags that forbid renaming from an entry to a file of the same name in ``flagged``."""
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
    """Move the committed stage's content up into the volume; can be repeated after a kill at any point.

    The root's times are set again after the stage is removed; a kill just before that leaves the time of the copy there, and
    nothing else.
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
    """Move an entry up, unless a container has created one meanwhile: existing data is never replaced."""
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
    """Set the flags of the entries that are in the target already; clear them if ``forth`` is False."""
    with _directory(_FLAGGED, stage) as flagged, _directory(_TREE, stage) as tree:
        for name in ({*os.listdir(flagged)} & {*os.listdir(target)}) - {*os.listdir(tree)}:
            with _opened(name, flagged) as note, _opened(name, target) as entry:
                write_flags(entry, read_flags(note) if forth else 0)


def _carry_root(source: int, target: int, seen: os.stat_result) -> None:
    try:
        carry(source, target, seen)
    except PermissionError:
        # A file server with root squashing refuses even a chown that changes nothing.
        have = os.fstat(target)
        if (have.st_uid, have.st_gid, have.st_mode) != (seen.st_uid, seen.st_gid, seen.st_mode):
            raise


@contextmanager
def _directory(name: str, above: int) -> Iterator[int]:
    """Open a directory of the stage; a symbolic link is not followed, as a container may have planted it."""
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
