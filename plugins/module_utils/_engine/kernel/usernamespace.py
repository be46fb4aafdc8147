# SPDX-License-Identifier: GPL-3.0-or-later
"""Create and read user namespaces; source: user_namespaces(7)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

from . import libc

#: Lines of a uid_map: (ID inside, ID outside, count).
Lines = Sequence[Sequence[int]]


@contextmanager
def opened(uids: Lines, gids: Lines) -> Iterator[int]:
    """Yield a descriptor of a new user namespace with these ID mappings, which exists as long as it.

    Raises OSError: EINVAL for an invalid mapping, ENOSPC for too many user namespaces, EUSERS.
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
    """Return the UID and GID mappings of the user namespace at a path, as seen from this process."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with _child(0, fd) as pid:
            return read(pid)
    finally:
        os.close(fd)


@contextmanager
def inside(userns_fd: int, flags: int) -> Iterator[int]:
    """Yield the PID of a child in a user namespace and in new namespaces (CLONE_NEW*) that it owns.

    The child exits with the context.

    Raises OSError.
    """
    with _child(flags, userns_fd) as pid:
        yield pid


def read(pid: int) -> tuple[Lines, Lines]:
    """Return the UID and GID mappings of a process's user namespace, as seen from this process."""
    return _read(f"/proc/{pid}/uid_map"), _read(f"/proc/{pid}/gid_map")


@contextmanager
def _child(flags: int, enter: int = -1) -> Iterator[int]:
    """Yield the PID of a child that has entered the user namespace ``enter``, if any, and unshared ``flags``.

    A child is necessary: a namespace's maps are only in /proc/PID, and a process that has entered one can't
    return.
    """
    told, tell = os.pipe()
    until, end = os.pipe()
    pid = os.fork()
    if pid == 0:
        _run_child(flags, enter, tell, until, (told, end))
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


def _run_child(flags: int, enter: int, tell: int, until: int, others: tuple[int, int]) -> NoReturn:
    """Run the child's part: enter, report, and exit when the parent closes its descriptor.

    Python's own clean-up does not run.
    """
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
    # One write: the kernel requires the whole map at once (user_namespaces(7)).
    with open(path, "wb", buffering=0) as stream:
        stream.write("".join(f"{a} {b} {number}\n" for a, b, number in lines).encode())


def _read(path: str) -> Lines:
    with open(path, encoding="ascii") as stream:
        return [[int(word) for word in line.split()] for line in stream]
