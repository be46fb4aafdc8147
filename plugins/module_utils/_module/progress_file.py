# SPDX-License-Identifier: GPL-3.0-or-later
"""Write a task's progress to a file, which the controller reads while the task runs (plugin_utils/host_progress.py).

The file is locked while its task lives, so that the files of killed tasks can be swept (lifecycle/guard/waste.py).
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Optional

from .._engine import progress
from .._engine.model.engine.layout import Layout

#: Seconds before the first state is written, and between two.
_FIRST, _BETWEEN = 1.0, 1.0
_DIGITS = frozenset("0123456789abcdef")
_FIELDS = ("what", "done", "total", "parts_done", "parts", "seconds")


@contextmanager
def written(token: str, run_root: str) -> Iterator[None]:
    """Write the progress of the block, and remove the file at its end; ignore an invalid token."""
    if len(token) != 32 or not _DIGITS.issuperset(token):
        yield
        return
    file = _File(Layout(run_root=run_root).progress(token))
    with progress.reported_to(file.write):
        try:
            yield
        finally:
            file.remove()


class _File:
    """The file, which is created when the task has run for a while."""

    def __init__(self, path: str) -> None:
        self._path, self._next = path, time.monotonic() + _FIRST
        self._fd: Optional[int] = None

    def write(self, state: progress.State) -> None:
        """Write a state, unless one was written within the last second. What can't be written is left out."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _BETWEEN
        with suppress(OSError):
            if self._fd is None:
                self._fd = self._create()
            text = json.dumps({name: getattr(state, name) for name in _FIELDS}).encode()
            os.pwrite(
                self._fd, text, 0
            )  # a reader may see parts of two states, and then waits for the next one
            os.ftruncate(self._fd, len(text))

    def remove(self) -> None:
        """Remove the file, and the directory when it is empty."""
        if self._fd is None:
            return
        with suppress(OSError):
            os.unlink(self._path)
            os.rmdir(os.path.dirname(self._path))
        os.close(self._fd)

    def _create(self) -> int:
        os.makedirs(os.path.dirname(self._path), 0o700, exist_ok=True)
        fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(fd, fcntl.LOCK_EX)
        return fd
