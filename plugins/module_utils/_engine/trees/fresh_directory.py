# SPDX-License-Identifier: GPL-3.0-or-later
"""Fill a directory beside its destination, and move it there as a whole."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ..kernel import libc
from ..kernel.files import fsync_directory
from ..kernel.removal import remove_tree

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
#: The errors of a kernel or a file system that can't exchange two names.
_NO_EXCHANGE = (errno.EINVAL, errno.ENOSYS)


class FreshDirectory:
    """A new directory for ``path``: fill it through ``fd``, then call ``place``."""

    def __init__(self, path: str, temporary: str, fd: int) -> None:
        self._path = path
        self._temporary = temporary
        self.fd = fd

    def place(self) -> None:
        """Move the directory to its path, durably, with the former one's owner and mode."""
        is_there = os.path.lexists(self._path)
        if is_there:
            old = os.stat(self._path, follow_symlinks=False)
            os.fchown(self.fd, old.st_uid, old.st_gid)
            os.fchmod(self.fd, stat.S_IMODE(old.st_mode))
        libc.syncfs(self.fd)
        try:
            self._rename(libc.RENAME_EXCHANGE if is_there else libc.RENAME_NOREPLACE)
        except OSError as error:
            if error.errno not in _NO_EXCHANGE:
                raise
            if is_there:
                remove_tree(self._path)
            os.rename(self._temporary, self._path)
        fsync_directory(os.path.dirname(self._path) or ".")

    def _rename(self, flags: int) -> None:
        libc.renameat2(libc.AT_FDCWD, self._temporary, libc.AT_FDCWD, self._path, flags)


@contextmanager
def fresh_directory(path: str) -> Iterator[FreshDirectory]:
    """Create a directory beside ``path``; at the end delete it, or the directory that it was exchanged with.

    Its name is always the same, so the next call removes what a kill left. It is locked meanwhile. Raises
    BlockingIOError when another process fills it.
    """
    parent, name = os.path.split(path)
    temporary = f"{parent or '.'}/.{os.fsdecode(os.fsencode(name)[:200])}.slipway-new"
    fd = _made(temporary)
    try:
        yield FreshDirectory(path, temporary, fd)
    finally:
        try:
            remove_tree(temporary)
        finally:
            os.close(fd)


def _made(path: str) -> int:
    while True:
        with suppress(FileExistsError):
            os.mkdir(path, 0o700)
        fd = os.open(path, _DIRECTORY)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_still(path, fd):
                if not os.listdir(fd):
                    return fd
                remove_tree(path)
        except OSError:
            os.close(fd)
            raise
        os.close(fd)


def _is_still(path: str, fd: int) -> bool:
    try:
        return os.path.samestat(os.stat(path, follow_symlinks=False), os.fstat(fd))
    except FileNotFoundError:
        return False
