# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotate a container's log: no line is lost, and none is there twice.

conmon's own way at ``--log-size-max`` puts an empty file in the place of the full one (ctr_logging.c, reopen_k8s_file).
Here the full one is renamed first, and then conmon told over its control fifo to open the log anew; what it writes in
between goes to the renamed file, where it belongs.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from contextlib import suppress

from .logfiles import numbered

#: conmon's REOPEN_LOGS_EVENT (ctrl.c); the two numbers after it mean nothing.
_REOPEN = b"2 0 0\n"
#: Seconds for conmon to do so: it syncs the old file first.
_PATIENCE = 30.0
_PAUSE = 0.01


def is_full(path: str, most: int) -> bool:
    """Tell whether the log has reached ``most`` bytes; one that is missing has (its rotation was cut short)."""
    try:
        return os.stat(path).st_size >= most
    except FileNotFoundError:
        return True


def rotate(path: str, control: str, *, keep: int, lives: Callable[[], bool]) -> bool:
    """Begin the log anew and keep ``keep`` files, that one included; True when conmon has done its part.

    Only one may do so at a time. A second call goes on where a killed one stopped. ``lives`` tells whether conmon does:
    when it has ended, an empty file is left for the next one to go on with.
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
        if error.errno in (errno.ENXIO, errno.ENOENT):  # conmon has gone
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
