# SPDX-License-Identifier: GPL-3.0-or-later
"""A progress bar on standard error for long operations; nothing is shown if that is not a terminal."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ...progress import State, reported_to

#: Seconds between updates, and the bar's width in characters.
_BETWEEN, _WIDTH = 0.1, 30


class Meter:
    """The progress bar of an operation, as a context manager; ``show`` may be called from any thread."""

    def __init__(self) -> None:
        self._next, self._shown = 0.0, False
        self._lock = threading.Lock()

    def __enter__(self) -> Meter:  # noqa: PYI034  (Self came with Python 3.11)
        return self

    def __exit__(self, *_error: object) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def show(self, state: State) -> None:
        """Show a state."""
        with self._lock:
            now = time.monotonic()
            if now < self._next or not sys.stderr.isatty():
                return
            self._next, self._shown = now + _BETWEEN, True
            sys.stderr.write(f"\r\x1b[K{drawn(state)}")
            sys.stderr.flush()


def drawn(state: State) -> str:
    """Return the line: ``pulling app:1 [####      ] 40 of 100 MB``, without a bar where the whole is not known."""
    if not state.total:
        return f"{state.what} {state.done // 10**6} MB"
    filled = _WIDTH * min(state.done, state.total) // state.total
    frame = f"[{'#' * filled:<{_WIDTH}}]"
    return f"{state.what} {frame} {state.done // 10**6} of {state.total // 10**6} MB"


@contextmanager
def metered(*, quiet: bool = False) -> Iterator[None]:
    """Show the progress of the block on a terminal, unless ``quiet``."""
    with Meter() as meter, reported_to((lambda _state: None) if quiet else meter.show):
        yield
