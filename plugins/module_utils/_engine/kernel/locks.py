# SPDX-License-Identifier: GPL-3.0-or-later
"""Lock by files (flock(2)), with a deadline, an order, and a name for whoever holds one."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import LockTimeout
from .process import Process

_FIRST_PAUSE, _LONGEST_PAUSE = 0.001, 0.05
_held = threading.local()


@contextmanager
def lock(path: str, *, timeout: float, what: str, rank: int, shared: bool = False) -> Iterator[None]:
    """Hold the lock for the body. ``what`` says for what, to whoever waits.

    Locks are taken in order of rank, then path; anything else could deadlock and is a bug: RuntimeError.
    Raises LockTimeout naming the holder. The kernel lets go when the process dies, however it dies.
    """
    held = _order(rank, path)
    fd = _acquire(path, time.monotonic() + timeout, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
    held.append((rank, path))
    try:
        if not shared:
            _sign(fd, what)
        yield
    finally:
        held.remove((rank, path))
        os.close(fd)


def _order(rank: int, path: str) -> list[tuple[int, str]]:
    held: list[tuple[int, str]] = _held.__dict__.setdefault("locks", [])
    if held and max(held) >= (rank, path):
        raise RuntimeError(f"lock {path} (rank {rank}) wanted while {max(held)} is held")
    return held


def _acquire(path: str, deadline: float, kind: int) -> int:
    pause = _FIRST_PAUSE
    while True:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(fd, kind | fcntl.LOCK_NB)
            if _is_current(fd, path):
                return fd
            os.close(fd)  # whoever held it has removed the file meanwhile: a lock on that one keeps nobody out
            continue
        except BlockingIOError:
            holder = os.pread(fd, 4096, 0).decode("utf-8", "replace")
            os.close(fd)
        if time.monotonic() >= deadline:
            raise _timeout(path, holder)
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


def _is_current(fd: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), os.stat(path))
    except FileNotFoundError:
        return False


def _sign(fd: int, what: str) -> None:
    me = Process.of(os.getpid())
    os.ftruncate(fd, 0)
    os.pwrite(fd, f"{os.getpid()} {me.start_time if me else 0} {time.time():.3f} {what}".encode(), 0)


def _timeout(path: str, holder: str) -> LockTimeout:
    words = (holder.split(" ", 3) + ["", "", "", ""])[:4]
    pid, since = int(words[0] or 0), float(words[2] or 0)
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(since))
    return LockTimeout(
        f"lock {path} is held by process {pid} ({words[3]}) since {stamp}",
        remedy=f"Wait for it to end; if it hangs, end process {pid}",
        holder=pid,
        since=since,
        what=words[3],
    )
