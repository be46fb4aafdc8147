# SPDX-License-Identifier: GPL-3.0-or-later
"""Open paths inside a root, so that no symlink, ``..`` or magic link leads out of it (openat2(2), RESOLVE_IN_ROOT)."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress

from . import libc

#: As many as the kernel follows (path_resolution(7)).
_SYMLINK_LIMIT = 40
_PATH = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC


def open_in_root(root_fd: int, path: str | bytes, flags: int, mode: int = 0) -> int:
    """Open ``path`` as a process would whose root directory is ``root_fd``; returns a descriptor, raises OSError."""
    try:
        return libc.openat2(root_fd, path, flags, mode, libc.RESOLVE_IN_ROOT | libc.RESOLVE_NO_MAGICLINKS)
    except OSError as error:
        if error.errno not in (errno.ENOSYS, errno.EPERM):  # before Linux 5.6; under an old seccomp filter
            raise
    return walk(root_fd, path, flags, mode)


def walk(root_fd: int, path: str | bytes, flags: int, mode: int = 0) -> int:
    """Do what open_in_root does by descriptors of one component each, where there is no openat2."""
    open_fds = [os.dup(root_fd)]
    parts = _parts(os.fsencode(path))
    links = 0
    try:
        while parts:
            name = parts.pop()
            if name == b"..":
                if len(open_fds) > 1:
                    os.close(open_fds.pop())
                continue
            target = _link_target(open_fds[-1], name, last=not parts, flags=flags)
            if target is None and not parts:
                return os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, mode, dir_fd=open_fds[-1])
            if target is None:
                open_fds.append(os.open(name, _PATH | os.O_DIRECTORY, dir_fd=open_fds[-1]))
                continue
            links += 1
            if links > _SYMLINK_LIMIT:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), os.fsdecode(path))
            if target.startswith(b"/"):
                _close(open_fds[1:])
                del open_fds[1:]
            parts += _parts(target)
        return os.open(".", flags | os.O_CLOEXEC, dir_fd=open_fds[-1])
    finally:
        _close(open_fds)


def _parts(path: bytes) -> list[bytes]:
    """Return the components, the first one last, to be popped."""
    return [part for part in reversed(path.split(b"/")) if part not in (b"", b".")]


def _link_target(parent: int, name: bytes, *, last: bool, flags: int) -> bytes | None:
    """Return where the symlink leads that is to be followed, or None."""
    if last and flags & os.O_NOFOLLOW:
        return None
    with suppress(FileNotFoundError):
        if stat.S_ISLNK(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
            return os.readlink(name, dir_fd=parent)
    return None


def _close(fds: list[int]) -> None:
    for fd in fds:
        os.close(fd)


def resolve(root: str, path: str) -> str:
    """Return the host path of what ``path`` is inside ``root``; raises FileNotFoundError, NotADirectoryError."""
    root_fd = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fd = open_in_root(root_fd, path, os.O_PATH)
        try:
            return os.readlink(f"/proc/self/fd/{fd}")
        finally:
            os.close(fd)
    finally:
        os.close(root_fd)


def read_file(root: str, path: str, *, limit: int) -> bytes | None:
    """Return the first ``limit`` bytes of a regular file inside ``root``, None when there is none."""
    root_fd = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fd = open_in_root(root_fd, path, os.O_RDONLY | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        return None
    finally:
        os.close(root_fd)
    with open(fd, "rb") as stream:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", path)
        return stream.read(limit)


def make_directory(root_fd: int, path: str, *, mode: int = 0o755, uid: int = 0, gid: int = 0) -> int:
    """Make a directory and its parents inside the root, and return an O_PATH descriptor of it."""
    flags = os.O_PATH | os.O_DIRECTORY
    done = ""
    fd = os.dup(root_fd)
    for part in [part for part in path.split("/") if part not in ("", ".")]:
        parent, done = fd, f"{done}/{part}"
        with suppress(FileExistsError):
            os.mkdir(part, mode, dir_fd=parent)
            os.chown(part, uid, gid, dir_fd=parent, follow_symlinks=False)
        try:
            fd = open_in_root(root_fd, done, flags)
        finally:
            os.close(parent)
    return fd
