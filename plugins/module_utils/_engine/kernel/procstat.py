# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a process's files in /proc, such as proc_pid_stat(5). Imports nothing, so that it loads fast."""

from __future__ import annotations


def read(pid: int, name: str) -> bytes:
    """Return the content of a file of /proc/PID; empty if the process has exited."""
    try:
        with open(f"/proc/{pid}/{name}", "rb") as stream:
            return stream.read()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def stat(pid: int) -> list[str]:
    """Return the fields from the third on; the second, the name, may contain spaces and parentheses."""
    return read(pid, "stat").rpartition(b")")[2].decode("ascii").split()


def runs(fields: list[str]) -> bool:
    """Return whether the process with these fields runs; a zombie does not."""
    # The first thread may have exited (Z) while others run; the 20th field is the number of threads.
    return bool(fields) and (fields[0] not in ("Z", "X") or int(fields[17]) > 1)


def start_time(fields: list[str]) -> int:
    """Return the start time in clock ticks since boot."""
    return int(fields[19])
