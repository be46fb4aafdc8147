# SPDX-License-Identifier: GPL-3.0-or-later
"""Read how a container ended, from the files that conmon leaves.

conmon writes the exit code with g_file_set_contents, so to a temporary name that it renames: a file that is
there is whole. It marks an OOM kill with an empty file beforehand. Source: conmon(8).
"""

from __future__ import annotations

import os
import time
from typing import NamedTuple, Optional

from ..kernel.process import Process
from ..model.engine.layout import ContainerLayout

#: Seconds between two looks: short at first, since most waits are for a command that ends at once.
_FIRST_PAUSE = 0.001
_LONGEST_PAUSE = 0.020


class Exit(NamedTuple):
    """How a container ended: ``code`` None if the file does not tell, ``finished`` in ns since the epoch."""

    code: Optional[int]
    finished: int
    oom_killed: bool


def read_exit(container: ContainerLayout) -> Exit | None:
    """Return the exit, None as long as there is no exit file."""
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
    """Wait for the exit file; None at the timeout, or when ``monitor`` (conmon) ended without it."""
    deadline = time.monotonic() + timeout
    pause = _FIRST_PAUSE
    while True:
        # Asked before the file is looked for: conmon writes the file before it ends.
        watched = monitor is None or monitor.alive()
        found = read_exit(container)
        left = deadline - time.monotonic()
        if found is not None or not watched or left <= 0:
            return found
        time.sleep(min(pause, left))
        pause = min(2 * pause, _LONGEST_PAUSE)
