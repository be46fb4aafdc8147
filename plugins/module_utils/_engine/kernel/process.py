# SPDX-License-Identifier: GPL-3.0-or-later
"""Identify a process by PID and start time, a pair that no other process has until the next boot."""

from __future__ import annotations

import errno
import os
import select
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Optional

from ..frozen import dataclass
from . import procstat

#: Seconds between polls without pidfds (Linux before 5.3).
_PAUSE = 0.02

#: In seconds; poll(2) takes milliseconds in 31 bits.
_LONGEST_POLL = 86400.0
#: Seconds that processes may take to stop, which a process hanging in the kernel never does; and between
#: polls.
_STOPPING, _SOON = 1.0, 0.001
#: States of proc_pid_stat(5) in which a process starts no others; the empty list if it has exited.
_STANDING: tuple[list[str], ...] = (["T"], ["t"], ["Z"], ["X"], [])
#: The most searches for further descendants while stopping a process tree.
_TURNS = 20


@dataclass(frozen=True)
class Process:
    """A process; ``start_time`` in clock ticks since boot (field 22 of proc_pid_stat(5))."""

    pid: int
    start_time: int

    @classmethod
    def of(cls, pid: int) -> Optional[Process]:
        """Return the process that has this PID now; None if there is none, or only a zombie."""
        fields = procstat.stat(pid)
        return cls(pid, procstat.start_time(fields)) if procstat.runs(fields) else None

    def alive(self) -> bool:
        """Return whether this process, and no other with its PID, still runs; a zombie does not."""
        return Process.of(self.pid) == self

    def signal(self, signum: int) -> bool:
        """Send the signal to the process; return False if it has exited."""
        try:
            return self._signal(signum)
        except ProcessLookupError:
            return False

    def wait_gone(self, timeout: float) -> bool:
        """Wait for the exit, at most ``timeout`` seconds (may be inf); return whether it has exited."""
        deadline = time.monotonic() + timeout
        fd = _pidfd(self.pid)
        if fd is None:
            return self._poll_until_gone(deadline)
        try:
            # The start time is compared after opening the pidfd, so that it can't belong to a later process.
            return not self.alive() or _ended(fd, deadline)
        finally:
            os.close(fd)

    @contextmanager
    def watched(self) -> Iterator[Optional[int]]:
        """Yield a descriptor that is readable after the exit; None if it has exited, or without pidfds."""
        fd = _pidfd(self.pid)
        try:
            yield fd if fd is not None and self.alive() else None
        finally:
            if fd is not None:
                os.close(fd)

    def _signal(self, signum: int) -> bool:
        fd = _pidfd(self.pid)
        if fd is None:
            if alive := self.alive():
                os.kill(self.pid, signum)
            return alive
        try:
            if alive := self.alive():
                signal.pidfd_send_signal(fd, signum)
            return alive
        finally:
            os.close(fd)

    def handles(self, signum: int) -> bool:
        """Return whether it catches, ignores or blocks a signal (proc_pid_status(5)); True if it exited."""
        masks = [
            int(line.split()[1], 16)
            for line in procstat.read(self.pid, "status").splitlines()
            if line.startswith((b"SigBlk:", b"SigIgn:", b"SigCgt:"))
        ]
        return not masks or any(mask >> (signum - 1) & 1 for mask in masks)

    def _poll_until_gone(self, deadline: float) -> bool:
        while self.alive():
            if time.monotonic() >= deadline:
                return False
            time.sleep(_PAUSE)
        return True


def find_by_argument(argument: str) -> tuple[Process, ...]:
    """Return the processes whose argument list contains exactly this argument."""
    wanted = os.fsencode(argument)
    pids = (int(name) for name in os.listdir("/proc") if name.isdigit())
    found = (Process.of(pid) for pid in pids if wanted in _arguments(pid))
    return tuple(process for process in found if process is not None)


def leads_namespace(pid: int) -> bool:
    """Return whether the process is PID 1 of a PID namespace, whose exit kills all others in it.

    Return False if it has exited.
    """
    for line in procstat.read(pid, "status").splitlines():
        if line.startswith(b"NSpid:"):  # its PID in each namespace, the innermost last
            return line.split()[2:][-1:] == [b"1"]
    return False


def descendants(pid: int) -> tuple[Process, ...]:
    """Return the descendants of a process, as far as the parents in between still exist."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        fields = procstat.stat(int(name)) if name.isdigit() else []
        if fields:
            children.setdefault(int(fields[1]), []).append(int(name))
    found, waiting = [], [pid]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return tuple(filter(None, map(Process.of, found)))


def stop(processes: Sequence[Process]) -> None:
    """Stop processes, and wait until they have stopped: one inside fork(2) finishes that first."""
    for one in processes:
        one.signal(signal.SIGSTOP)
    deadline = time.monotonic() + _STOPPING
    for one in processes:
        while procstat.stat(one.pid)[:1] not in _STANDING and time.monotonic() < deadline:
            time.sleep(_SOON)


def stop_tree(pid: int) -> tuple[Process, ...]:
    """Stop all descendants of a process and return them; stopped, they start no further processes.

    The search is repeated until it finds no more, because a process may have started another just before it
    was stopped; it gives up on a tree that grows faster than it is searched.
    """
    found: dict[int, Process] = {}
    for _turn in range(_TURNS):
        others = [one for one in descendants(pid) if one.pid not in found]
        if not others:
            break
        stop(others)
        found.update((one.pid, one) for one in others)
    return tuple(found.values())


def signal_tree(pid: int, signum: int) -> tuple[Process, ...]:
    """Send a signal to all descendants of a process, and return them."""
    found = stop_tree(pid)
    for number in (signum, signal.SIGCONT):
        for one in found:
            one.signal(number)
    return found


def end_tree(pid: int, *, grace: float) -> None:
    """Terminate all descendants of a process; ``grace`` is the number of seconds from SIGTERM to SIGKILL."""
    deadline = time.monotonic() + grace
    found = signal_tree(pid, signal.SIGTERM)
    for one in found:
        one.wait_gone(max(0.0, deadline - time.monotonic()))
    for one in (*found, *stop_tree(pid)):
        one.signal(signal.SIGKILL)


def _pidfd(pid: int) -> Optional[int]:
    """Return a pidfd; None if the process has exited, or if pidfds are unavailable.

    Reasons are an old kernel, a seccomp filter, and a Python built with old headers.
    """
    try:
        return os.pidfd_open(pid)
    except AttributeError:
        return None
    except OSError as error:
        if error.errno in (errno.ESRCH, errno.ENOSYS, errno.EPERM, errno.EINVAL):
            return None
        raise


def _ended(pidfd: int, deadline: float) -> bool:
    """Wait for a pidfd to become readable, which happens when the process becomes a zombie."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    while True:
        left = max(0.0, deadline - time.monotonic())
        if poll.poll(int(min(left, _LONGEST_POLL) * 1000)):
            return True
        if left == 0:
            return False


def _arguments(pid: int) -> list[bytes]:
    return procstat.read(pid, "cmdline").split(b"\0")[:-1]
