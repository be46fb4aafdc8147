# SPDX-License-Identifier: GPL-3.0-or-later
"""Write a file that has no name until it is whole, so that neither a failure nor a kill leaves anything of it."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from typing import Optional

_NEW = os.O_WRONLY | os.O_CLOEXEC
#: No O_TMPFILE: the file system has it not (EOPNOTSUPP), or the kernel (EISDIR); source: open(2).
_NO_TMPFILE = (errno.EOPNOTSUPP, errno.EISDIR)


class FreshFile:
    """A new file for ``path``: ``fd`` is open for writing, ``place`` puts it there; what is not placed is gone at the end.

    Where the file system has no files without a name it has one, with a dot before it, that only a kill leaves.
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
        """Let it go, with its name if it has one."""
        os.close(self.fd)
        if self._is_named:
            with suppress(FileNotFoundError):
                os.unlink(self._temporary, dir_fd=self._parent)
        os.close(self._parent)

    def place(self) -> None:
        """Put it in its place durably; it takes owner and mode of the file that was there."""
        self._take_over()
        os.fsync(self.fd)
        self.put()
        os.fsync(self._parent)

    def put(self) -> None:
        """Put it in its place with the owner and mode that it has; not yet durable."""
        if not self._is_named:
            if self._link(self._name):
                return
            # No link(2) replaces what is there. A kill between the two calls leaves the other name.
            self._is_named = self._link(self._temporary)
        os.rename(self._temporary, self._name, src_dir_fd=self._parent, dst_dir_fd=self._parent)
        self._is_named = False

    def _link(self, name: str) -> bool:
        """Give the file a name, unless another has it."""
        try:
            # linkat(2) with AT_SYMLINK_FOLLOW, which Python asks for only when a directory is given.
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
