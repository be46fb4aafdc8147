# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotate a container's log without losing or duplicating lines.

conmon itself, at ``--log-size-max``, replaces the full file with an empty one (ctr_logging.c,
reopen_k8s_file). Here the full file is renamed first, and conmon is then told through its control FIFO to
reopen the log; what it writes in between correctly goes to the renamed file.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from contextlib import suppress

from .logfiles import numbered

#: conmon's REOPEN_LOGS_EVENT (ctrl.c); the two numbers after it are ignored.
_REOPEN = b"2 0 0\n"
#: Seconds that conmon may take to reopen the log: it syncs the old file first.
_PATIENCE = 30.0
_PAUSE = 0.01


def is_full(path: str, most: int) -> bool:
    """Return whether the log has reached ``most`` bytes, or is missing because a rotation was interrupted."""
    try:
        return os.stat(path).st_size >= most
    except FileNotFoundError:
        return True


def rotate(path: str, control: str, *, keep: int, lives: Callable[[], bool]) -> bool:
    """Start a new log file and keep ``keep`` files, including it; return True if conmon has reopened the log.

    Only one process may do this at a time. A second call resumes where a killed one stopped. ``lives``
    returns whether conmon runs: if it has exited, an empty file is created for the next conmon.
    """
    if os.path.exists(path):
        _shift(path, keep)
    if _reopen(path, control, lives):
        return True
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    return False


def _shift(path: str, keep: int) -> None:
    for number in range(keep - 1, 0, -1):
        with suppress(FileNotFoundError):
            os.rename(numbered(path, number - 1), numbered(path, number))


def _reopen(path: str, control: str, lives: Callable[[], bool]) -> bool:
    try:
        fd = os.open(control, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.ENXIO, errno.ENOENT):  # conmon has exited
            return False
        raise
    try:
        os.write(fd, _REOPEN)
    finally:
        os.close(fd)
    deadline = time.monotonic() + _PATIENCE
    while not os.path.exists(path):
        if time.monotonic() > deadline or not lives():
            return os.path.exists(path)
        time.sleep(_PAUSE)
    return True
