# SPDX-License-Identifier: GPL-3.0-or-later
"""Open paths of an image or a user inside their root, as a process chrooted there would see them.

An absolute path and an absolute symlink start at the root, ``..`` stops there, magic links (those in /proc/PID)
are refused with ELOOP. Joining such a path as text to the root's would follow a symlink out of it.
"""

from __future__ import annotations

import errno
import os
from contextlib import closing, suppress
from typing import Union

from . import libc
from .files import directory
from .rootwalk import Walk

Path = Union[str, bytes]

_RULES = libc.RESOLVE_IN_ROOT | libc.RESOLVE_NO_MAGICLINKS

#: openat2(2): a rename or mount anywhere while ``..`` is resolved gives EAGAIN.
_TRIES = 32

#: Older than 5.6; the seccomp filter of an old container engine around us; too many renames.
_CANNOT = (errno.ENOSYS, errno.EPERM, errno.EAGAIN)


def open_in_root(root_fd: int, path: Path, flags: int, mode: int = 0) -> int:
    """Open ``path`` inside the root; return the descriptor (close-on-exec), or raise OSError as open(2) does."""
    try:
        return _open_by_kernel(root_fd, path, flags, mode)
    except OSError as error:
        if error.errno not in _CANNOT:
            raise
    return _open_by_walk(root_fd, path, flags, mode)


def open_on_root(root_fd: int, path: Path, flags: int) -> int:
    """Open ``path`` inside the root, past no other mount (EXDEV); raises OSError also where the kernel lacks openat2(2)."""
    return _open_by_kernel(root_fd, path, flags, rules=_RULES | libc.RESOLVE_NO_XDEV)


def _open_by_kernel(root_fd: int, path: Path, flags: int, mode: int = 0, *, rules: int = _RULES) -> int:
    mode = mode if flags & os.O_CREAT else 0  # which open(2) ignores, and openat2(2) refuses
    for _ignored in range(_TRIES):
        with suppress(BlockingIOError):  # EAGAIN
            return libc.openat2(root_fd, path, flags, mode, rules)
    raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN), path)


def _open_by_walk(root_fd: int, path: Path, flags: int, mode: int = 0) -> int:
    with closing(Walk(root_fd, path)) as walk:
        return walk.open(flags, mode)


def resolve(root: str, path: str) -> str:
    """Return the host's path of what ``path`` is inside ``root``; raises FileNotFoundError, NotADirectoryError.

    Good for telling and for comparing. Whoever can write inside the root can change what the path means: to act
    on it, keep a descriptor (``open_in_root``).
    """
    with directory(root) as root_fd:
        fd = open_in_root(root_fd, path, os.O_PATH)
    try:
        return _host_path(fd, path)
    finally:
        os.close(fd)


def landing(root: str, path: str) -> str:
    """Return where an absolute path leads inside the root, symlinks followed; what is not there is kept as it is written.

    Good for telling and for comparing alone, as ``resolve``.
    """
    top, path = os.path.realpath(root), path.rstrip("/")
    try:
        return resolve(top, path or "/")[len(top) :] or "/"
    except OSError:  # not there, or a loop: its directory may lead elsewhere all the same
        head, _slash, name = path.rpartition("/")
    return f"{landing(top, head).rstrip('/')}/{name}"


def _host_path(fd: int, path: str) -> str:
    found = os.readlink(f"/proc/self/fd/{fd}")
    # What was deleted meanwhile reads "/name (deleted)", which may exist as well: so the file is compared.
    if not os.path.samestat(os.fstat(fd), os.stat(found, follow_symlinks=False)):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    return found


def make_directory(root_fd: int, path: Path, *, mode: int = 0o755, uid: int = 0, gid: int = 0) -> int:
    """Make the directories of ``path`` that are missing inside the root; return an O_PATH descriptor of the last.

    Those that are there keep owner and mode. A symlink that leads nowhere gets its target made, inside the root.
    """
    with closing(Walk(root_fd, path)) as walk:
        return walk.make(mode, uid, gid)
