# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell, while something takes long, how far it is: in one line of the play's output now and then."""

from __future__ import annotations

import threading
import time
from typing import Any

#: Seconds before the first line, and between two.
_FIRST, _BETWEEN = 2.0, 5.0


class Progress:
    """Tells of one thing of one host; as a context manager. What is heard may come from any thread."""

    def __init__(self, display: Any, host: str, what: str) -> None:
        self._display, self._host, self._what = display, host, what
        self._began = time.monotonic()
        self._next = self._began + _FIRST
        self._lock = threading.Lock()

    def __enter__(self) -> Progress:  # noqa: PYI034  (Self came with Python 3.11)
        return self

    def __exit__(self, *_error: object) -> None:
        """Say nothing more: the task's result follows."""

    def heard(self, done: int, total: int, more: str = "") -> None:
        """Note how many bytes are done, of how many; tell of it when it is time."""
        now = time.monotonic()
        with self._lock:
            if now < self._next:
                return
            self._next = now + _BETWEEN
        self._display.display(f"[{self._host}] {line(self._what, done, total, now - self._began, more)}")


def line(what: str, done: int, total: int, seconds: float, more: str = "") -> str:
    """Return the line: what, how many of how many MB, and how many seconds are left at this pace."""
    parts = [more] if more else []
    parts.append(f"{done // 10**6} of {total // 10**6} MB")
    if done and total > done:
        parts.append(f"{round(seconds * (total - done) / done)} s left")
    return f"{what}: {', '.join(parts)}"
