# SPDX-License-Identifier: GPL-3.0-or-later
"""Open paths from an image or a user inside a root directory, as a process chrooted there would.

Absolute paths and absolute symlinks start at the root, ``..`` stops there, and magic links (those in
/proc/PID) fail with ELOOP. Simply concatenating root and path would follow symlinks out of the root.
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

#: openat2(2): a concurrent rename or mount anywhere while ``..`` is resolved causes EAGAIN.
_TRIES = 32

#: A kernel before 5.6; the seccomp filter of an old container engine around us; too many renames.
_CANNOT = (errno.ENOSYS, errno.EPERM, errno.EAGAIN)


def open_in_root(root_fd: int, path: Path, flags: int, mode: int = 0) -> int:
    """Open ``path`` inside the root; return a close-on-exec descriptor. Raises OSError as open(2) does."""
    try:
        return _open_by_kernel(root_fd, path, flags, mode)
    except OSError as error:
        if error.errno not in _CANNOT:
            raise
    return _open_by_walk(root_fd, path, flags, mode)


def open_on_root(root_fd: int, path: Path, flags: int) -> int:
    """Open ``path`` inside the root without crossing mounts (EXDEV).

    Raises OSError, also if the kernel lacks openat2(2).
    """
    return _open_by_kernel(root_fd, path, flags, rules=_RULES | libc.RESOLVE_NO_XDEV)


def _open_by_kernel(root_fd: int, path: Path, flags: int, mode: int = 0, *, rules: int = _RULES) -> int:
    mode = (
        mode if flags & os.O_CREAT else 0
    )  # open(2) ignores the mode without O_CREAT, openat2(2) rejects it
    for _ignored in range(_TRIES):
        with suppress(BlockingIOError):  # EAGAIN
            return libc.openat2(root_fd, path, flags, mode, rules)
    raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN), path)


def _open_by_walk(root_fd: int, path: Path, flags: int, mode: int = 0) -> int:
    with closing(Walk(root_fd, path)) as walk:
        return walk.open(flags, mode)


def resolve(root: str, path: str) -> str:
    """Return the host's path of ``path`` inside ``root``; raises FileNotFoundError, NotADirectoryError.

    Only for messages and comparisons: anyone who can write inside the root can change what the path refers
    to. To operate on it, use a descriptor (``open_in_root``).
    """
    with directory(root) as root_fd:
        fd = open_in_root(root_fd, path, os.O_PATH)
    try:
        return _host_path(fd, path)
    finally:
        os.close(fd)


def landing(root: str, path: str) -> str:
    """Return where an absolute path leads inside the root, following symlinks; keep missing components.

    Only for messages and comparisons, like ``resolve``.
    """
    top, path = os.path.realpath(root), path.rstrip("/")
    try:
        return resolve(top, path or "/")[len(top) :] or "/"
    except OSError:  # missing, or a loop: its directory may still lead elsewhere
        head, _slash, name = path.rpartition("/")
    return f"{landing(top, head).rstrip('/')}/{name}"


def _host_path(fd: int, path: str) -> str:
    found = os.readlink(f"/proc/self/fd/{fd}")
    # The link of a deleted file reads "/name (deleted)", which may also exist: so compare the files.
    if not os.path.samestat(os.fstat(fd), os.stat(found, follow_symlinks=False)):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    return found


def make_directory(root_fd: int, path: Path, *, mode: int = 0o755, uid: int = 0, gid: int = 0) -> int:
    """Create the missing directories of ``path`` inside the root; return an O_PATH descriptor of the last.

    Existing ones keep their owner and mode. The target of a dangling symlink is created, inside the root.
    """
    with closing(Walk(root_fd, path)) as walk:
        return walk.make(mode, uid, gid)
