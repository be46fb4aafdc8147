# SPDX-License-Identifier: GPL-3.0-or-later
"""Walk a path inside a root by directory descriptors, by the kernel's rules, without leaving the root.

For kernels without openat2(2), and for creating missing directories. Source of the rules: path_resolution(7).
"""

from __future__ import annotations

import errno
import os
import stat
from typing import Union

from . import mountinfo

#: The kernel's MAXSYMLINKS, for the whole path.
_SYMLINKS = 40

_LOOK = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_PROC_ROOT_INODE = 1


class Walk:
    """A walk: the current directory and the names still to be resolved.

    It keeps a descriptor of every directory on the way, to which ``..`` returns. The kernel's own ``..``
    would leave the root if the current directory was moved out of it meanwhile.
    """

    def __init__(self, root_fd: int, path: Union[str, bytes]) -> None:
        self._path = path
        self._came: list[int] = []
        self._symlinks = 0
        self._names = _names(os.fsencode(path))
        self._at = os.dup(root_fd)

    def close(self) -> None:
        """Close all descriptors."""
        for fd in (*self._came, self._at):
            os.close(fd)

    def open(self, flags: int, mode: int = 0) -> int:
        """Walk to the end of the path, and open it with these flags."""
        if flags & os.O_CREAT and self._names[0] in (b".", b".."):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), self._path)
        creates_new = flags & os.O_CREAT and flags & os.O_EXCL
        stays = bool(flags & os.O_NOFOLLOW or creates_new)
        while self._names:
            name = self._names.pop()
            if self._names or name in (b".", b".."):
                self._step(name)
            elif stays or not self._try_link(name, missing_is_fine=bool(flags & os.O_CREAT)):
                # If the name is replaced by a symlink now, this fails (ELOOP).
                return self._open(name, flags | os.O_NOFOLLOW, mode)
        return self._open(b".", flags, mode)

    def make(self, mode: int, uid: int, gid: int) -> int:
        """Create the missing directories of the path; return an O_PATH descriptor of the last."""
        while self._names:
            name = self._names.pop()
            if name not in (b".", b".."):
                self._make(name, mode, uid, gid)
            self._step(name)
        return os.dup(self._at)

    def _make(self, name: bytes, mode: int, uid: int, gid: int) -> None:
        try:
            os.mkdir(name, 0o700, dir_fd=self._at)
        except FileExistsError:
            return
        fd = self._open(name, _LOOK | os.O_DIRECTORY)
        try:
            # The umask is process-wide, so the mode is set afterwards; fchmod(2) does not work with O_PATH.
            os.chown(f"/proc/self/fd/{fd}", uid, gid)
            os.chmod(f"/proc/self/fd/{fd}", mode)
        finally:
            os.close(fd)

    def _step(self, name: bytes) -> None:
        """Enter a name, which must be a directory or a symlink."""
        if name == b"..":
            self._back()
        elif name == b".":
            os.close(self._open(b".", os.O_PATH | os.O_DIRECTORY))
        elif not self._try_link(name):
            entered = self._open(name, _LOOK | os.O_DIRECTORY)
            self._came.append(self._at)
            self._at = entered

    def _back(self) -> None:
        if self._came:
            os.close(self._at)
            self._at = self._came.pop()

    def _try_link(self, name: bytes, *, missing_is_fine: bool = False) -> bool:
        """Continue at the target if the name is a symlink; return whether it is."""
        try:
            link = self._open(name, _LOOK)
        except FileNotFoundError:
            if missing_is_fine:
                return False
            raise
        try:
            if not stat.S_ISLNK(os.fstat(link).st_mode):
                return False
            self._follow(link)
        finally:
            os.close(link)
        return True

    def _follow(self, link: int) -> None:
        self._symlinks += 1
        if self._symlinks > _SYMLINKS or self._is_in_procfs():
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), self._path)
        target = os.readlink(b"", dir_fd=link)
        if target.startswith(b"/"):
            while self._came:
                self._back()
        self._names += _names(target)

    def _is_in_procfs(self) -> bool:
        """Return whether the symlinks here are magic: procfs's are, except those in its root (self)."""
        here = os.fstat(self._at)
        if here.st_ino == _PROC_ROOT_INODE or os.major(here.st_dev) != 0:
            return False
        device = f"0:{os.minor(here.st_dev)}"
        return any(entry.fstype == "proc" and entry.device == device for entry in mountinfo.read())

    def _open(self, name: bytes, flags: int, mode: int = 0) -> int:
        try:
            return os.open(name, flags | os.O_CLOEXEC, mode, dir_fd=self._at)
        except OSError as error:
            raise OSError(error.errno, error.strerror, self._path) from None


def _names(path: bytes) -> list[bytes]:
    """Split into names, last first; a trailing slash becomes ``.``, because it requires a directory."""
    if not path:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    names = [name for name in path.split(b"/") if name]
    if path.endswith(b"/"):
        names.append(b".")
    return names[::-1]
