# SPDX-License-Identifier: GPL-3.0-or-later
"""Park open sockets in the queue of another socket, which any process can hold open, and retrieve them.

The queue belongs to a datagram socket that is connected to itself, so that no other socket can send to it.
The parked sockets remain open as long as it is open (unix(7), SCM_RIGHTS), without any code in the process
that holds it. Source: pidfd_getfd(2), Linux 5.6.
"""

from __future__ import annotations

import array
import os
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Optional

from .. import libc
from ..process import Process

#: The most descriptors per message (SCM_MAX_FD of <net/scm.h>).
_MOST = 253
_RIGHTS_SIZE = socket.CMSG_SPACE(_MOST * array.array("i").itemsize)
_LENGTH = 16


def made() -> socket.socket:
    """Return a socket with an empty queue."""
    found = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    found.bind("")  # the kernel chooses an abstract address
    found.connect(found.getsockname())
    return found


@contextmanager
def found(process: Process) -> Iterator[Optional[socket.socket]]:
    """Yield a duplicate of a process's parking socket; None if it has none, or the kernel denies it."""
    with ExitStack() as stack:
        pidfd = stack.enter_context(process.watched())
        there = None if pidfd is None else _of_process(process.pid, pidfd)
        if there is not None:
            stack.enter_context(there)
        yield there


def sift(
    parked: socket.socket, is_kept: Callable[[socket.socket], bool], more: Iterable[socket.socket] = ()
) -> None:
    """Close the parked sockets that are not to be kept, and park more, which are closed here.

    The kept ones return to the queue even if ``more`` raises; a kill meanwhile may lose some.
    """
    kept: list[socket.socket] = []
    try:
        for one in _all(parked, more):
            if is_kept(one):
                kept.append(one)
            else:
                one.close()
            if len(kept) == _MOST:  # a process may have fewer descriptors than a queue
                _put(parked, kept)
    finally:
        _put(parked, kept)


def _all(parked: socket.socket, more: Iterable[socket.socket]) -> Iterator[socket.socket]:
    """Take the sockets that are in the queue now, then yield the others."""
    end = os.urandom(_LENGTH)
    parked.sendmsg([end], [], socket.MSG_DONTWAIT)
    while True:
        text, fds = _take(parked)
        yield from (socket.socket(fileno=fd) for fd in fds)
        if text == end:
            break
    yield from more


def _take(parked: socket.socket) -> tuple[bytes, list[int]]:
    flags = socket.MSG_DONTWAIT | socket.MSG_CMSG_CLOEXEC
    text, messages, _flags, _address = parked.recvmsg(_LENGTH, _RIGHTS_SIZE, flags)
    fds = array.array("i")
    for _level, _kind, data in messages:
        fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
    return text, [*fds]


def _put(parked: socket.socket, sockets: list[socket.socket]) -> None:
    """Append sockets to the queue, close them here and empty the list."""
    if sockets:
        fds = array.array("i", (one.fileno() for one in sockets))
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)]
        parked.sendmsg([b"."], rights, socket.MSG_DONTWAIT)
    while sockets:
        sockets.pop().close()


def _of_process(pid: int, pidfd: int) -> Optional[socket.socket]:
    for name in os.listdir(f"/proc/{pid}/fd"):
        with suppress(OSError):  # closed meanwhile, or denied
            if os.readlink(f"/proc/{pid}/fd/{name}").startswith("socket:"):
                one = socket.socket(fileno=libc.pidfd_getfd(pidfd, int(name)))
                if _is_parked(one):
                    return one
                one.close()
    return None


def _is_parked(one: socket.socket) -> bool:
    """Return whether a socket is connected to itself."""
    if (one.family, one.type) != (socket.AF_UNIX, socket.SOCK_DGRAM):
        return False
    with suppress(OSError):  # not connected
        own = one.getsockname()
        return bool(own) and own == one.getpeername()
    return False
