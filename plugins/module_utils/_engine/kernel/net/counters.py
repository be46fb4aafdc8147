# SPDX-License-Identifier: GPL-3.0-or-later
"""Traffic counters of a process's network namespace; source: proc_pid_net(5), ``dev``."""

from __future__ import annotations

from typing import Optional

from .. import procstat

#: Lines before the first interface, and the columns of received and sent bytes after its name.
_HEADING, _RECEIVED, _SENT = 2, 0, 8


def received_and_sent(pid: int) -> Optional[tuple[int, int]]:
    """Return the bytes received and sent by all interfaces except lo; None if the process has exited."""
    text = procstat.read(pid, "net/dev").decode("utf-8", "replace")
    return parse(text) if text else None


def parse(text: str) -> tuple[int, int]:
    """Return the bytes received and sent according to the file's text; pure."""
    received = sent = 0
    for line in text.splitlines()[_HEADING:]:
        name, _colon, columns = line.partition(":")
        if name.strip() != "lo":
            fields = columns.split()
            received += int(fields[_RECEIVED])
            sent += int(fields[_SENT])
    return received, sent
