# SPDX-License-Identifier: GPL-3.0-or-later
"""Lock files with a deadline, an order, and information on their holders."""

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

#: In seconds. flock(2) has no deadline, so it is retried: soon at first, then 20 times a second.
_FIRST_PAUSE = 0.001
_LONGEST_PAUSE = 0.05

_TEXT_LIMIT = 4096
_OPEN = os.O_NOFOLLOW | os.O_CLOEXEC


class _Held(threading.local):
    """The locks that this thread holds, as (rank, path), in the order of acquisition."""

    def __init__(self) -> None:
        self.locks: list[tuple[int, str]] = []


_held = _Held()


@dataclass(frozen=True)
class _Holder:
    """The holder of a lock: the process, since when (seconds since the epoch), and the purpose."""

    process: Process
    since: float
    what: str


@contextmanager
def lock(path: str, *, timeout: float, what: str, rank: int, shared: bool = False) -> Iterator[None]:
    """Hold the lock file at ``path``; ``what`` tells other processes the purpose.

    ``timeout`` is in seconds, 0 tries once; raises LockTimeout. Locks must be acquired by ascending rank, and
    within a rank by ascending path, so that processes never deadlock; any other order is a bug of the caller
    and raises RuntimeError. The holder may unlink the file. The kernel releases the lock when the process
    exits, in whatever way.
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
    """Return the descriptor that holds the lock, or None if another process holds it."""
    fd = _open(path)
    if fd is None:
        return _socket_lock(path)
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    if _is_at(path, fd):
        return fd
    # The holder unlinked the file between our open and flock: others now lock a new file.
    os.close(fd)
    return None


def _open(path: str) -> Optional[int]:
    """Open the file, creating it if missing; return None if it can't be created for lack of space."""
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | _OPEN, 0o600)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
    with suppress(FileNotFoundError):
        return os.open(path, os.O_RDONLY | _OPEN)
    return None


def _socket_lock(path: str) -> Optional[int]:
    """Return a descriptor that replaces a lock file: a bound socket name, unique on the host (unix(7)).

    The containers that fill the disk must be stoppable on a full disk, so locking must work without a file.
    The two kinds of lock do not exclude each other; both are in use only at the moment when space becomes
    available.
    """
    import hashlib  # needed only here; importing both takes as long as opening the database
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
    # Only information for those who wait: the lock also holds on a full or read-only disk.
    with suppress(OSError):
        os.ftruncate(fd, 0)
        os.pwrite(fd, os.fsencode(text), 0)


def _read_holder(path: str) -> Optional[_Holder]:
    """Return the recorded holder; None if there is no record, or its process has died."""
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
        remedy=f"Wait until it has finished and try again; if it hangs, kill process {pid}",
        path=path,
        what=holder.what,
        holder=pid,
        since=holder.since,
    )
