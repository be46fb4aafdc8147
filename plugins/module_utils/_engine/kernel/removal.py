# SPDX-License-Identifier: GPL-3.0-or-later
"""Delete a directory tree by descriptors: never through a symlink, never across a mount.

At most two descriptors are open at a time and nothing recurses, so that any depth works: a container can
create any.
"""

from __future__ import annotations

import array
import errno
import fcntl
import os
import stat
from contextlib import suppress
from typing import Optional

from ..frozen import dataclass
from . import mountinfo
from .files import directory, mount_id

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

#: <linux/fs.h>; the size in the number is that of a long, although the kernel transfers an int.
_FS_IOC_GETFLAGS = (2 << 30) | (array.array("l").itemsize << 16) | (ord("f") << 8) | 1
_FS_IOC_SETFLAGS = (1 << 30) | (array.array("l").itemsize << 16) | (ord("f") << 8) | 2
_FS_IMMUTABLE_FL = 0x10
_FS_APPEND_FL = 0x20


@dataclass(frozen=True)
class _Level:
    """A directory of the current path: its name, its identity, and its subdirectories still to be deleted."""

    name: str
    identity: tuple[int, int]
    left: list[str]


def remove_tree(path: str) -> None:
    """Delete the file or directory tree at ``path``; do nothing if it does not exist.

    Raises OSError: EXDEV, before deleting anything, if there is a mount on it or below, because a mount's
    content does not belong to the tree; ESTALE if a directory is moved meanwhile. Immutable and append-only
    files are deleted too. Several processes may delete the same tree at once.
    """
    path = path.rstrip("/")
    _refuse_mounts(path)
    parent, name = os.path.split(path)
    with suppress(FileNotFoundError), directory(parent or ".") as above:
        _remove(path, name, above)


def _refuse_mounts(path: str) -> None:
    parent, name = os.path.split(path)
    # Only symlinks in the parent's path are followed: one at the end is itself deleted.
    for entry in mountinfo.below(os.path.join(os.path.realpath(parent), name)):
        raise _is_mount(entry.target)


def _is_mount(path: str) -> OSError:
    return OSError(errno.EXDEV, "is a mount point, whose content is not deleted", path)


def remove_entry(name: str, dir_fd: int) -> None:
    """Delete ``name`` in an open directory like ``remove_tree``; raises FileNotFoundError, EBUSY for a mount.

    A mount further below is noticed only when it is reached, after other entries have been deleted.
    """
    _remove(name, name, dir_fd)


def _remove(path: str, name: str, above: int) -> None:
    if stat.S_ISDIR(os.stat(name, dir_fd=above, follow_symlinks=False).st_mode):
        _Descent(path, os.open(name, _DIRECTORY, dir_fd=above)).run()
        _delete(name, above, is_directory=True)
    else:
        _delete(name, above, is_directory=False)


class _Descent:
    """A traversal that empties a directory, with one current directory at a time."""

    def __init__(self, path: str, fd: int) -> None:
        self._path = path
        self._fd = fd
        self._levels: list[_Level] = []

    def run(self) -> None:
        """Delete everything below, then close the descriptor."""
        try:
            self._strip("")
            while self._levels[-1].left or len(self._levels) > 1:
                if self._levels[-1].left:
                    self._down(self._levels[-1].left.pop())
                else:
                    self._up()
        finally:
            os.close(self._fd)

    def _strip(self, name: str) -> None:
        """Delete everything except directories here, and record those."""
        with os.scandir(self._fd) as found:
            entries = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in found]
        for entry, is_directory in entries:
            if not is_directory:
                _delete(entry, self._fd, is_directory=False)
        self._levels.append(_Level(name, _identity(self._fd), [entry for entry, is_dir in entries if is_dir]))

    def _down(self, name: str) -> None:
        below = self._open(name)
        if below is None:
            return
        above, self._fd = self._fd, below
        try:
            if _device(below) != _device(above) and mount_id(below) != mount_id(above):
                # Mounted after the check. (A different device alone may be a btrfs subvolume.)
                raise _is_mount(self._where(name))
        finally:
            os.close(above)
        self._strip(name)

    def _open(self, name: str) -> Optional[int]:
        try:
            return os.open(name, _DIRECTORY, dir_fd=self._fd)
        except FileNotFoundError:
            return None

    def _up(self) -> None:
        emptied = self._levels.pop()
        above = os.open("..", _DIRECTORY, dir_fd=self._fd)
        os.close(self._fd)
        self._fd = above
        if _identity(above) != self._levels[-1].identity:
            # The directory was moved meanwhile: its ".." is not part of the tree.
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), self._where(emptied.name))
        _delete(emptied.name, above, is_directory=True)

    def _where(self, name: str) -> str:
        return os.path.join(self._path, *(level.name for level in self._levels[1:]), name)


def _identity(fd: int) -> tuple[int, int]:
    seen = os.fstat(fd)
    return seen.st_dev, seen.st_ino


def _device(fd: int) -> int:
    return os.fstat(fd).st_dev


def _delete(name: str, dir_fd: int, *, is_directory: bool) -> None:
    """Delete one name; do nothing if it does not exist."""
    act = os.rmdir if is_directory else os.unlink
    with suppress(FileNotFoundError):
        try:
            act(name, dir_fd=dir_fd)
        except PermissionError:
            # Root is denied only if the entry or its directory is immutable or append-only. Checked only
            # here, because it costs an open and an ioctl.
            _unlock(dir_fd)
            _unlock_entry(name, dir_fd)
            act(name, dir_fd=dir_fd)


def _unlock_entry(name: str, dir_fd: int) -> None:
    kind = stat.S_IFMT(os.stat(name, dir_fd=dir_fd, follow_symlinks=False).st_mode)
    if kind not in (stat.S_IFREG, stat.S_IFDIR):
        return  # has no chattr(1) flags, and opening a device may have side effects
    fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=dir_fd)
    try:
        _unlock(fd)
    finally:
        os.close(fd)


def _unlock(fd: int) -> None:
    flags = array.array("i", [0])
    try:
        fcntl.ioctl(fd, _FS_IOC_GETFLAGS, flags)
        flags[0] &= ~(_FS_IMMUTABLE_FL | _FS_APPEND_FL)
        fcntl.ioctl(fd, _FS_IOC_SETFLAGS, flags)
    except OSError as error:
        if error.errno not in (errno.ENOTTY, errno.EOPNOTSUPP):  # a file system without flags
            raise
