# SPDX-License-Identifier: GPL-3.0-or-later
"""Read what /proc tells of a process: proc_pid_stat(5) and its neighbours. Imports nothing, for those in a hurry."""

from __future__ import annotations


def read(pid: int, name: str) -> bytes:
    """Return a file of /proc/PID; empty when the process is gone."""
    try:
        with open(f"/proc/{pid}/{name}", "rb") as stream:
            return stream.read()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def stat(pid: int) -> list[str]:
    """Return the fields from the third on; the second, the name, may itself hold blanks and parentheses."""
    return read(pid, "stat").rpartition(b")")[2].decode("ascii").split()


def runs(fields: list[str]) -> bool:
    """Tell by the fields whether the process runs; a zombie does not."""
    # The first thread alone may have ended (Z) while others go on; the 20th field counts the threads.
    return bool(fields) and (fields[0] not in ("Z", "X") or int(fields[17]) > 1)


def start_time(fields: list[str]) -> int:
    """Return when it was started, in clock ticks since boot."""
    return int(fields[19])
