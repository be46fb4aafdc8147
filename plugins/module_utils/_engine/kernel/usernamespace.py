# SPDX-License-Identifier: GPL-3.0-or-later
"""Make and read user namespaces; source: user_namespaces(7)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

from . import libc

#: (id inside, id outside, number), a line of uid_map.
Lines = Sequence[Sequence[int]]


@contextmanager
def opened(uids: Lines, gids: Lines) -> Iterator[int]:
    """Give a descriptor of a fresh user namespace that maps these ids; it goes with the descriptor.

    Raises OSError: EINVAL for what the kernel can't map, ENOSPC when there are too many user namespaces, EUSERS.
    """
    with _child(libc.CLONE_NEWUSER) as pid:
        _write(f"/proc/{pid}/uid_map", uids)
        _write(f"/proc/{pid}/gid_map", gids)
        fd = os.open(f"/proc/{pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


def mapping_of(path: str) -> tuple[Lines, Lines]:
    """Return the uid and gid lines of the user namespace that a path names, as seen from here."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with _child(0, fd) as pid:
            return read(pid)
    finally:
        os.close(fd)


@contextmanager
def inside(userns_fd: int, flags: int) -> Iterator[int]:
    """Give the pid of a child in a user namespace, and in new namespaces (CLONE_NEW*) that belong to it; it ends at the end.

    Raises OSError.
    """
    with _child(flags, userns_fd) as pid:
        yield pid


def read(pid: int) -> tuple[Lines, Lines]:
    """Return the uid and gid lines of a process's user namespace, as seen from here."""
    return _read(f"/proc/{pid}/uid_map"), _read(f"/proc/{pid}/gid_map")


@contextmanager
def _child(flags: int, enter: int = -1) -> Iterator[int]:
    """Give the pid of a child that has entered a user namespace, if there is one to ``enter``, and then left for new namespaces.

    A process that has been there is the only way: a namespace has no maps without a /proc/PID, and who has entered one
    does not come back.
    """
    told, tell = os.pipe()
    until, end = os.pipe()
    pid = os.fork()
    if pid == 0:
        _stay(flags, enter, tell, until, (told, end))
    os.close(tell)
    os.close(until)
    try:
        answer = os.read(told, 16)
        if answer != b"0":
            number = int(answer or b"5")
            raise OSError(number, f"{os.strerror(number)} (user namespace)")
        yield pid
    finally:
        os.close(told)
        os.close(end)
        os.waitpid(pid, 0)


def _stay(flags: int, enter: int, tell: int, until: int, others: tuple[int, int]) -> NoReturn:
    """Be the child: go there, tell, and end with the parent's descriptor; nothing of Python's own clean-up runs."""
    try:
        for fd in others:
            os.close(fd)
        try:
            if enter >= 0:
                libc.setns(enter, libc.CLONE_NEWUSER)
            if flags:
                libc.unshare(flags)
        except OSError as error:
            os.write(tell, str(error.errno).encode())
        else:
            os.write(tell, b"0")
            os.read(until, 1)
    finally:
        os._exit(0)


def _write(path: str, lines: Lines) -> None:
    # One write: the kernel takes the whole map at once (user_namespaces(7)).
    with open(path, "wb", buffering=0) as stream:
        stream.write("".join(f"{a} {b} {number}\n" for a, b, number in lines).encode())


def _read(path: str) -> Lines:
    with open(path, encoding="ascii") as stream:
        return [[int(word) for word in line.split()] for line in stream]
