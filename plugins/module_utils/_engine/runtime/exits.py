# SPDX-License-Identifier: GPL-3.0-or-later
"""A container's exit, read from the files that conmon writes.

conmon writes the exit code with g_file_set_contents, which renames a temporary file: an existing file is
complete. Before that it marks an OOM kill with an empty file. Source: conmon(8).
"""

from __future__ import annotations

import os
import time
from typing import NamedTuple, Optional

from ..kernel.process import Process
from ..model.engine.layout import ContainerLayout

#: Seconds between polls: short at first, because most waits are for a command that exits immediately.
_FIRST_PAUSE = 0.001
_LONGEST_PAUSE = 0.020


class Exit(NamedTuple):
    """A container's exit: ``code`` is None if the file is invalid, ``finished`` in ns since the epoch."""

    code: Optional[int]
    finished: int
    oom_killed: bool


def read_exit(container: ContainerLayout) -> Exit | None:
    """Return the exit, or None while there is no exit file."""
    try:
        with open(container.exit_file, "rb") as file:
            text = file.read(64).strip()
            finished = os.fstat(file.fileno()).st_mtime_ns
    except FileNotFoundError:
        return None
    code = int(text) if text.isdigit() and int(text) <= 255 else None
    return Exit(code, finished, os.path.exists(container.oom_file))


def wait_for_exit(
    container: ContainerLayout, timeout: float, *, monitor: Process | None = None
) -> Exit | None:
    """Wait for the exit file; return None at the timeout, or if ``monitor`` (conmon) exits without it."""
    deadline = time.monotonic() + timeout
    pause = _FIRST_PAUSE
    while True:
        # Checked before looking for the file: conmon writes the file before it exits.
        watched = monitor is None or monitor.alive()
        found = read_exit(container)
        left = deadline - time.monotonic()
        if found is not None or not watched or left <= 0:
            return found
        time.sleep(min(pause, left))
        pause = min(2 * pause, _LONGEST_PAUSE)
