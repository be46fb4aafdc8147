# SPDX-License-Identifier: GPL-3.0-or-later
"""Adopt processes whose parent ends before them, to get their exit codes (prctl(2), PR_SET_CHILD_SUBREAPER)."""

from __future__ import annotations

import os
import time

from . import libc, procstat

TYPE_CHECKING = False
if TYPE_CHECKING:  # `slipway connect` runs at each command of a play
    from typing import Optional


#: Seconds for what a killed or failed program has left to be gone.
_GOING = 2.0
_PAUSE = 0.005


class Adopting:
    """While it lasts, what our children leave behind becomes ours; at its end what of that has ended is waited for.

    After an error something was killed, or did not begin, and its end is waited for too.
    """

    def __enter__(self) -> None:
        self._before = children()
        adopt()

    def __exit__(self, kind: Optional[type[BaseException]], *_error: object) -> None:
        libc.prctl(libc.PR_SET_CHILD_SUBREAPER, 0)
        (reap_all if kind else reap)(children() - self._before)


def adopt() -> None:
    """Adopt from now on."""
    libc.prctl(libc.PR_SET_CHILD_SUBREAPER, 1)


def exit_code(pid: int, flags: int = 0) -> Optional[int]:
    """Wait for a child and return its exit code, 128 + N for signal N; None with WNOHANG while it runs."""
    found, state = os.waitpid(pid, flags)
    if not found:
        return None
    code = os.waitstatus_to_exitcode(state)
    return code if code >= 0 else 128 - code


def has_ended(pid: int) -> bool:
    """Return whether a child has ended, and leave its exit code where it is."""
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True


def children() -> set[int]:
    """Return the pids of our children, zombies too."""
    me = os.getpid()
    try:
        with open(f"/proc/{me}/task/{me}/children", "rb") as stream:
            return {int(word) for word in stream.read().split()}
    except FileNotFoundError:  # a kernel without CONFIG_PROC_CHILDREN
        pids = (int(name) for name in os.listdir("/proc") if name.isdigit())
        return {pid for pid in pids if procstat.stat(pid)[1:2] == [str(me)]}


def oldest_child() -> int:
    """Return the child of ours that was started first, a zombie too; 0 when there is none."""
    started = {pid: fields for pid in children() if (fields := procstat.stat(pid))}
    return min(started, key=lambda pid: (procstat.start_time(started[pid]), pid), default=0)


def reap(pids: set[int]) -> set[int]:
    """Wait for those of these children that have ended; return the others.

    As long as nobody does, a zombie of a PID namespace keeps the first process of that from ending.
    """
    return {pid for pid in pids if not _reaped(pid)}


def reap_all(pids: set[int]) -> None:
    """Wait for these children, which are about to end, for a while."""
    deadline = time.monotonic() + _GOING
    while (pids := reap(pids)) and time.monotonic() < deadline:
        time.sleep(_PAUSE)


def _reaped(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True
