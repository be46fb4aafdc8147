# SPDX-License-Identifier: GPL-3.0-or-later
"""Hold processes by pid and start time, which together can't be mistaken for another process."""

from __future__ import annotations

import os
import select
import signal
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Process:
    """A process. ``start_time`` is field 22 of proc_pid_stat(5), in clock ticks since boot."""

    pid: int
    start_time: int

    @classmethod
    def of(cls, pid: int) -> Process | None:
        """Return the process that has this pid now, or None; a zombie is none."""
        stat = _stat(pid)
        return cls(pid, int(stat[19])) if stat and stat[0] not in ("Z", "X") else None

    def alive(self) -> bool:
        """Tell whether this very process still runs; a zombie does not."""
        return Process.of(self.pid) == self

    def signal(self, signum: int) -> bool:
        """Send the signal; False when the process is gone."""
        fd = self._open()
        if fd is None:
            return False
        try:
            signal.pidfd_send_signal(fd, signum)
            return True
        except ProcessLookupError:
            return False
        finally:
            os.close(fd)

    def wait_gone(self, timeout: float) -> bool:
        """Wait until the process has ended (seconds); tell whether it has."""
        fd = self._open()
        if fd is None:
            return True
        try:
            return _readable(fd, timeout)
        finally:
            os.close(fd)

    def _open(self) -> int | None:
        """Return a pidfd of this very process: opened first, then compared, so no reused pid slips in between."""
        try:
            fd = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return None
        if self.alive():
            return fd
        os.close(fd)
        return None


def _readable(fd: int, timeout: float) -> bool:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    deadline = time.monotonic() + timeout
    while True:  # poll(2) takes 32 bits of milliseconds
        left = max(0.0, deadline - time.monotonic())
        if poll.poll(int(min(left, 86400.0) * 1000)):
            return True
        if left <= 0:
            return False


def _stat(pid: int) -> list[str]:
    """Return the fields from the third on; the second, the name, may hold blanks and parentheses."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stream:
            return stream.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def find_by_argument(argument: str) -> tuple[Process, ...]:
    """Return the processes whose argument list holds exactly this argument."""
    wanted = os.fsencode(argument)
    found = (Process.of(int(name)) for name in os.listdir("/proc") if name.isdigit() and wanted in _arguments(name))
    return tuple(process for process in found if process is not None)


def _arguments(pid: str) -> list[bytes]:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as stream:
            return stream.read().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return []
