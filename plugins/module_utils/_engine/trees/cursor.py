# SPDX-License-Identifier: GPL-3.0-or-later
"""Walk a directory tree of any depth by descriptor, with one open directory at a time."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Cursor:
    """A position in a tree: ``fd`` is the only open directory, ``trail`` are the names from the root to it.

    A tree may be deeper than a process's limit of descriptors, and its paths longer than PATH_MAX. So the cursor goes
    up by ``..``, and checks that this leads to the directory that it came from: a directory that was moved meanwhile is
    an error, and never leads out of the tree.
    """

    def __init__(self, root_fd: int) -> None:
        self.fd = os.open(".", DIRECTORY, dir_fd=root_fd)
        self.trail: list[str] = []
        self._ancestors: list[tuple[int, int]] = []

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self.fd)

    def enter(self, name: str) -> None:
        """Step down into the directory ``name``. Raises NotADirectoryError for a symbolic link."""
        here = identity(os.fstat(self.fd))
        self._step(name)
        self.trail.append(name)
        self._ancestors.append(here)

    def leave(self) -> None:
        """Step up to the parent. Raises OSError (ESTALE) when this directory was moved meanwhile."""
        self._step("..")
        if identity(os.fstat(self.fd)) != self._ancestors.pop():
            raise OSError(errno.ESTALE, "directory was moved while it was read", "/".join(self.trail))
        self.trail.pop()

    def entries(self) -> Iterator[tuple[int, os.DirEntry[str]]]:
        """Yield this directory's entries, each with the directory's descriptor."""
        with os.scandir(self.fd) as entries:
            for entry in entries:
                yield self.fd, entry

    def _step(self, name: str) -> None:
        fd = os.open(name, DIRECTORY, dir_fd=self.fd)
        os.close(self.fd)
        self.fd = fd


def walk(root_fd: int) -> Iterator[tuple[int, str, os.stat_result]]:
    """Yield each entry below a directory, parents first: its directory's descriptor, its name, its lstat(2).

    The descriptor is valid until the next entry is requested. Entries that vanish meanwhile are left out. Raises
    OSError (ESTALE) when a directory is moved while it is read.
    """
    return ((fd, trail[-1], info) for fd, trail, info in walk_trails(root_fd))


def walk_trails(
    root_fd: int, enters: Callable[[int, Sequence[str]], bool] = lambda _fd, _trail: True
) -> Iterator[tuple[int, list[str], os.stat_result]]:
    """Yield as ``walk`` does, with all names from the root; descend only where ``enters`` allows."""
    with closing(Cursor(root_fd)) as cursor:
        waiting = [os.listdir(cursor.fd)]
        while waiting:
            if not waiting[-1]:
                waiting.pop()
                if waiting:
                    cursor.leave()
                continue
            name = waiting[-1].pop()
            try:
                info = os.stat(name, dir_fd=cursor.fd, follow_symlinks=False)
                yield cursor.fd, [*cursor.trail, name], info
                if stat.S_ISDIR(info.st_mode):
                    cursor.enter(name)
                    waiting.append(os.listdir(cursor.fd) if enters(cursor.fd, cursor.trail) else [])
            except (FileNotFoundError, NotADirectoryError):
                continue


def open_directory(root_fd: int, trail: Sequence[str]) -> int:
    """Open the directory at a trail of names, one by one, because the path may be too long for one call."""
    return descend(os.open(".", DIRECTORY, dir_fd=root_fd), trail)


def descend(fd: int, trail: Sequence[str]) -> int:
    """Step down from a directory by names, and return the last one's descriptor; close those before it."""
    for name in trail:
        try:
            below = os.open(name, DIRECTORY, dir_fd=fd)
        finally:
            os.close(fd)
        fd = below
    return fd


def identity(info: os.stat_result) -> tuple[int, int]:
    """Return an inode's identity: device and inode number."""
    return info.st_dev, info.st_ino
