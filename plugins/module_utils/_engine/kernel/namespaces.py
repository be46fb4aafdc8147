# SPDX-License-Identifier: GPL-3.0-or-later
"""Identify and compare namespaces by the files of /proc/PID/ns.

Sources: namespaces(7), ioctl_nsfs(2). Kinds have the names of the OCI runtime-spec: network, ipc, pid, uts,
cgroup, user.
"""

from __future__ import annotations

import errno
import fcntl
import os

from ..errors import InvalidOption, unreadable
from . import libc, mounts

#: For each kind, the file's name in /proc/PID/ns and the CLONE_NEW* flag.
_KINDS = {
    "network": ("net", libc.CLONE_NEWNET),
    "ipc": ("ipc", libc.CLONE_NEWIPC),
    "pid": ("pid", libc.CLONE_NEWPID),
    "uts": ("uts", libc.CLONE_NEWUTS),
    "cgroup": ("cgroup", libc.CLONE_NEWCGROUP),
    "user": ("user", libc.CLONE_NEWUSER),
}
#: _IO(0xb7, 3), linux/nsfs.h: returns the CLONE_NEW* of an open namespace.
_NS_GET_NSTYPE = 0xB703


def path_of(pid: int, kind: str) -> str:
    """Return the path of a process's namespace, valid only while the process exists."""
    return f"/proc/{pid}/ns/{_KINDS[kind][0]}"


def is_ours(path: str, kind: str) -> bool:
    """Return whether it is this process's own namespace; False if it does not exist."""
    try:
        return os.path.samestat(os.stat(path), os.stat(path_of(os.getpid(), kind)))
    except (FileNotFoundError, ProcessLookupError):
        return False


def pin(source: str, path: str) -> None:
    """Pin a namespace of /proc by binding it on ``path``, a file that is created; raises OSError."""
    os.close(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
    mounts.bind(source, path)


def check(option: str, path: str, kind: str) -> None:
    """Check that the path, the value of ``option``, is a namespace of this kind; raises InvalidOption."""
    value = f"ns:{path}"
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        remedy = "Set the path of a namespace, such as /run/netns/x"
        raise unreadable(option, value, error, remedy=remedy) from None
    try:
        number = fcntl.ioctl(fd, _NS_GET_NSTYPE)
    except OSError as error:
        if error.errno not in (errno.ENOTTY, errno.EINVAL):
            raise
        number = 0
    finally:
        os.close(fd)
    if number != _KINDS[kind][1]:
        what = next((name for name, (_file, flag) in _KINDS.items() if flag == number), None)
        why = f"is a namespace of kind {what}, not {kind}" if what else "is not a namespace"
        raise InvalidOption(
            option,
            value,
            why,
            remedy=f"Set the path of a namespace of kind {kind}, such as /proc/PID/ns/{_KINDS[kind][0]}",
        )
