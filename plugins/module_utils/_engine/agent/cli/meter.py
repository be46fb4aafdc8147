# SPDX-License-Identifier: GPL-3.0-or-later
"""A bar on a terminal, for what takes long; nothing where standard error is none."""

from __future__ import annotations

import sys
import threading
import time

#: Seconds between two states of it, and its width in characters.
_BETWEEN, _WIDTH = 0.1, 30


class Meter:
    """Shows how far one thing is, as a context manager; what is heard may come from any thread."""

    def __init__(self, what: str) -> None:
        self._what, self._next, self._shown = what, 0.0, False
        self._lock = threading.Lock()

    def __enter__(self) -> Meter:  # noqa: PYI034  (Self came with Python 3.11)
        return self

    def __exit__(self, *_error: object) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def heard(self, done: int, total: int) -> None:
        """Show how many bytes are done, of how many."""
        with self._lock:
            now = time.monotonic()
            if now < self._next or not sys.stderr.isatty():
                return
            self._next, self._shown = now + _BETWEEN, True
            sys.stderr.write(f"\r\x1b[K{drawn(self._what, done, total)}")
            sys.stderr.flush()


def drawn(what: str, done: int, total: int) -> str:
    """Return the line: ``app:1 [####      ] 40 of 100 MB``."""
    filled = _WIDTH * done // total if total else 0
    return f"{what} [{'#' * filled:<{_WIDTH}}] {done // 10**6} of {total // 10**6} MB"
