# SPDX-License-Identifier: GPL-3.0-or-later
"""Lock files with a deadline, an order, and a word about who holds them."""

from __future__ import annotations

import errno
import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Optional

from ..errors import LockTimeout
from ..frozen import dataclass
from .disk_full import NO_ROOM
from .process import Process

#: flock(2) has no deadline, so it is tried again: soon at first, then 20 times a second (seconds).
_FIRST_PAUSE = 0.001
_LONGEST_PAUSE = 0.05

_TEXT_LIMIT = 4096
_OPEN = os.O_NOFOLLOW | os.O_CLOEXEC


class _Held(threading.local):
    """What this thread holds, as (rank, path), in the order of taking."""

    def __init__(self) -> None:
        self.locks: list[tuple[int, str]] = []


_held = _Held()


@dataclass(frozen=True)
class _Holder:
    """Who holds a lock: the process, since when (seconds since the epoch), what for."""

    process: Process
    since: float
    what: str


@contextmanager
def lock(path: str, *, timeout: float, what: str, rank: int, shared: bool = False) -> Iterator[None]:
    """Hold the lock file at ``path``; ``what`` tells others what for.

    ``timeout`` in seconds, 0 tries once; raises LockTimeout. Locks are taken by rising rank, and in one rank by
    rising path, so that no two processes ever wait for each other; anything else is a bug of the caller, and raises
    RuntimeError. Whoever holds the lock may unlink the file. The kernel unlocks it when the process ends, however.
    """
    _check_order(rank, path)
    fd = _acquire(path, fcntl.LOCK_SH if shared else fcntl.LOCK_EX, time.monotonic() + timeout)
    _held.locks.append((rank, path))
    try:
        _write_holder(fd, what)
        yield
    finally:
        _held.locks.remove((rank, path))
        os.close(fd)  # unlocks


def _check_order(rank: int, path: str) -> None:
    before = max(_held.locks, default=None)
    if before is not None and (rank, path) <= before:
        raise RuntimeError(f"lock {path} (rank {rank}) must be taken before {before[1]} (rank {before[0]})")


def _acquire(path: str, kind: int, deadline: float) -> int:
    pause = _FIRST_PAUSE
    while True:
        fd = _try(path, kind)
        if fd is not None:
            return fd
        left = deadline - time.monotonic()
        if left <= 0:
            raise _timeout(path)
        time.sleep(min(pause, left))
        pause = min(pause * 2, _LONGEST_PAUSE)


def _try(path: str, kind: int) -> Optional[int]:
    """Return the descriptor that holds the lock, or None when somebody else does."""
    fd = _open(path)
    if fd is None:
        return _stand_in(path)
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    if _is_at(path, fd):
        return fd
    # Its holder unlinked the file between our open and flock: others lock another file now.
    os.close(fd)
    return None


def _open(path: str) -> Optional[int]:
    """Open the file, made where it is missing; None when there is none and the file system takes none."""
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | _OPEN, 0o600)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
    with suppress(FileNotFoundError):
        return os.open(path, os.O_RDONLY | _OPEN)
    return None


def _stand_in(path: str) -> Optional[int]:
    """Return what holds the lock where no file can be made: a name of a socket, which one process can have (unix(7)).

    To stop what fills the disk, a lock must be had without it. Between those who can make the file and those who can't, who
    meet only in the moment in which room is found, there is no lock.
    """
    import hashlib  # both are needed for nothing else, and take as long as to open the database
    import socket

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as name:
        try:
            own = hashlib.sha256(os.fsencode(os.path.realpath(path))).hexdigest()
            name.bind(f"\0slipway-lock-{own}")
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            return None
        return name.detach()


def _is_at(path: str, fd: int) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), os.stat(path, follow_symlinks=False))
    except FileNotFoundError:
        return False


def _write_holder(fd: int, what: str) -> None:
    me = Process.of(os.getpid())
    start_time = me.start_time if me else 0
    text = f"{os.getpid()} {start_time} {time.time():.3f} {what}\n"
    # It only tells who waits: on a disk that is full or read-only the lock holds all the same.
    with suppress(OSError):
        os.ftruncate(fd, 0)
        os.pwrite(fd, os.fsencode(text), 0)


def _read_holder(path: str) -> Optional[_Holder]:
    """Return who says to hold the lock; None when the text is missing, or of one that died."""
    try:
        with open(path, "rb") as stream:
            pid, start_time, since, what = os.fsdecode(stream.read(_TEXT_LIMIT)).rstrip("\n").split(" ", 3)
        holder = _Holder(Process(int(pid), int(start_time)), float(since), what)
    except (FileNotFoundError, ValueError):
        return None
    return holder if holder.process.alive() else None


def _timeout(path: str) -> LockTimeout:
    holder = _read_holder(path)
    if holder is None:
        message = f"lock on {path} is held by another process"
        return LockTimeout(message, remedy="Try again", path=path, holder=None, since=None)
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(holder.since))
    seconds = max(0, round(time.time() - holder.since))
    pid = holder.process.pid
    return LockTimeout(
        f"lock on {path} is held by process {pid} ({holder.what}) since {since} ({seconds} s)",
        remedy=f"Wait until it has finished and try again; if it hangs, end process {pid}",
        path=path,
        what=holder.what,
        holder=pid,
        since=holder.since,
    )
