# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep open sockets in the queue of another one, which any process may hold open, and get at them there again.

The queue is that of a datagram socket which is connected with itself, so that nobody else can send to it. What lies there is open
as long as the socket is (unix(7), SCM_RIGHTS): whoever holds it needs no code for that. Source: pidfd_getfd(2), Linux 5.6.
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

#: The most descriptors of one message (SCM_MAX_FD of <net/scm.h>).
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
    """Give such a socket that a process holds; None where it holds none, or the kernel does not give it."""
    with ExitStack() as stack:
        pidfd = stack.enter_context(process.watched())
        there = None if pidfd is None else _of_process(process.pid, pidfd)
        if there is not None:
            stack.enter_context(there)
        yield there


def sift(
    parked: socket.socket, is_kept: Callable[[socket.socket], bool], more: Iterable[socket.socket] = ()
) -> None:
    """Close what is in the queue and not to be kept, then add more, of which nothing stays open here.

    What is kept is in the queue again whatever ``more`` raises; a process that is killed meanwhile may take some with it.
    """
    kept: list[socket.socket] = []
    try:
        for one in _all(parked, more):
            if is_kept(one):
                kept.append(one)
            else:
                one.close()
            if len(kept) == _MOST:  # a process may have less open than a queue
                _put(parked, kept)
    finally:
        _put(parked, kept)


def _all(parked: socket.socket, more: Iterable[socket.socket]) -> Iterator[socket.socket]:
    """Take out what is in the queue by now, and go on with the others."""
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
    """Put sockets at the end of the queue, close them here and empty the list."""
    if sockets:
        fds = array.array("i", (one.fileno() for one in sockets))
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)]
        parked.sendmsg([b"."], rights, socket.MSG_DONTWAIT)
    while sockets:
        sockets.pop().close()


def _of_process(pid: int, pidfd: int) -> Optional[socket.socket]:
    for name in os.listdir(f"/proc/{pid}/fd"):
        with suppress(OSError):  # closed by now, or not given
            if os.readlink(f"/proc/{pid}/fd/{name}").startswith("socket:"):
                one = socket.socket(fileno=libc.pidfd_getfd(pidfd, int(name)))
                if _is_parked(one):
                    return one
                one.close()
    return None


def _is_parked(one: socket.socket) -> bool:
    """Tell whether a socket is connected with itself."""
    if (one.family, one.type) != (socket.AF_UNIX, socket.SOCK_DGRAM):
        return False
    with suppress(OSError):  # not connected
        own = one.getsockname()
        return bool(own) and own == one.getpeername()
    return False
