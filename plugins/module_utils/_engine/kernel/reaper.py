# SPDX-License-Identifier: GPL-3.0-or-later
"""Adopt orphaned processes, to get their exit codes (prctl(2), PR_SET_CHILD_SUBREAPER)."""

from __future__ import annotations

import os
import time

from . import libc, procstat

TYPE_CHECKING = False
if TYPE_CHECKING:  # `slipway connect` runs at each command of a play
    from typing import Optional


#: Seconds to wait for processes that a killed or failed program left behind.
_GOING = 2.0
_PAUSE = 0.005


class Adopting:
    """A context in which this process adopts orphans of its children, and reaps the exited ones at the end.

    After an error, processes were killed or failed to start; then the end also waits for the others to exit.
    """

    def __enter__(self) -> None:
        self._before = children()
        adopt()

    def __exit__(self, kind: Optional[type[BaseException]], *_error: object) -> None:
        libc.prctl(libc.PR_SET_CHILD_SUBREAPER, 0)
        (reap_all if kind else reap)(children() - self._before)


def adopt() -> None:
    """Make this process a subreaper."""
    libc.prctl(libc.PR_SET_CHILD_SUBREAPER, 1)


def exit_code(pid: int, flags: int = 0) -> Optional[int]:
    """Wait for a child and return its exit code, 128 + N for signal N; None with WNOHANG while it runs."""
    found, state = os.waitpid(pid, flags)
    if not found:
        return None
    code = os.waitstatus_to_exitcode(state)
    return code if code >= 0 else 128 - code


def has_ended(pid: int) -> bool:
    """Return whether a child has exited, without reaping it."""
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True


def children() -> set[int]:
    """Return the PIDs of this process's children, including zombies."""
    me = os.getpid()
    try:
        with open(f"/proc/{me}/task/{me}/children", "rb") as stream:
            return {int(word) for word in stream.read().split()}
    except FileNotFoundError:  # a kernel without CONFIG_PROC_CHILDREN
        pids = (int(name) for name in os.listdir("/proc") if name.isdigit())
        return {pid for pid in pids if procstat.stat(pid)[1:2] == [str(me)]}


def oldest_child() -> int:
    """Return the PID of the child that was started first, even if a zombie; 0 if there is none."""
    started = {pid: fields for pid in children() if (fields := procstat.stat(pid))}
    return min(started, key=lambda pid: (procstat.start_time(started[pid]), pid), default=0)


def reap(pids: set[int]) -> set[int]:
    """Reap those of these children that have exited; return the others.

    An unreaped zombie of a PID namespace keeps the namespace's PID 1 from exiting.
    """
    return {pid for pid in pids if not _reaped(pid)}


def reap_all(pids: set[int]) -> None:
    """Wait a limited time for these children, which are about to exit."""
    deadline = time.monotonic() + _GOING
    while (pids := reap(pids)) and time.monotonic() < deadline:
        time.sleep(_PAUSE)


def _reaped(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True
