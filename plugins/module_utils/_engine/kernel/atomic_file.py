# SPDX-License-Identifier: GPL-3.0-or-later
"""Write a file that has no name until it is complete, so that a failure or a kill leaves nothing of it."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from typing import Optional

_NEW = os.O_WRONLY | os.O_CLOEXEC
#: O_TMPFILE is unsupported by the file system (EOPNOTSUPP) or by the kernel (EISDIR); source: open(2).
_NO_TMPFILE = (errno.EOPNOTSUPP, errno.EISDIR)


class FreshFile:
    """A new file for ``path``: write to ``fd``, then call ``place``; ``close`` discards an unplaced file.

    If the file system does not support unnamed files, it has a temporary name with a leading dot, which only
    a kill leaves behind.
    """

    def __init__(self, path: str, *, mode: int = 0o600, dir_fd: Optional[int] = None) -> None:
        self._name = os.path.basename(path)
        self._mode = mode
        beginning = os.fsdecode(os.fsencode(self._name)[:200])
        self._temporary = f".{beginning}.{os.urandom(8).hex()}.new"
        parent = os.path.dirname(path) or "."
        self._parent = os.open(parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=dir_fd)
        try:
            self._is_named, self.fd = self._open()
        except OSError:
            os.close(self._parent)
            raise

    def close(self) -> None:
        """Close the file, and remove its temporary name if it has one."""
        os.close(self.fd)
        if self._is_named:
            with suppress(FileNotFoundError):
                os.unlink(self._temporary, dir_fd=self._parent)
        os.close(self._parent)

    def place(self) -> None:
        """Move the file to its path durably, with owner and mode of the file that it replaces."""
        self._take_over()
        os.fsync(self.fd)
        self.put()
        os.fsync(self._parent)

    def put(self) -> None:
        """Move the file to its path with its own owner and mode; not yet durable."""
        if not self._is_named:
            if self._link(self._name):
                return
            # link(2) can't replace a file. A kill between the two calls leaves the temporary name.
            self._is_named = self._link(self._temporary)
        os.rename(self._temporary, self._name, src_dir_fd=self._parent, dst_dir_fd=self._parent)
        self._is_named = False

    def _link(self, name: str) -> bool:
        """Give the file a name; return False if the name exists."""
        try:
            # linkat(2) with AT_SYMLINK_FOLLOW, which Python sets only if a directory is given.
            os.link(f"/proc/self/fd/{self.fd}", name, dst_dir_fd=self._parent, follow_symlinks=True)
        except FileExistsError:
            return False
        return True

    def _open(self) -> tuple[bool, int]:
        try:
            return False, os.open(".", _NEW | os.O_TMPFILE, 0o600, dir_fd=self._parent)
        except OSError as error:
            if error.errno not in _NO_TMPFILE:
                raise
        return True, os.open(self._temporary, _NEW | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=self._parent)

    def _take_over(self) -> None:
        try:
            old = os.stat(self._name, dir_fd=self._parent, follow_symlinks=False)
        except FileNotFoundError:
            os.fchmod(self.fd, self._mode)
            return
        os.fchown(self.fd, old.st_uid, old.st_gid)
        os.fchmod(self.fd, stat.S_IMODE(old.st_mode))
