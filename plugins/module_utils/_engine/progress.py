# SPDX-License-Identifier: GPL-3.0-or-later
"""Report how far a long operation has come. As with logging, the code that works does not know who listens.

An operation is a pull, a load or a copy-up. Reports come often and from any thread: the listener drops what it does not need.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from .frozen import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

    Listener = Callable[["State"], object]


@dataclass(frozen=True)
class State:
    """How far an operation is: bytes done and in all (0: unknown), layers done and in all (0: it has none).

    ``seconds`` is the time that it took so far.
    """

    what: str
    done: int = 0
    total: int = 0
    parts_done: int = 0
    parts: int = 0
    seconds: float = 0.0


class Operation:
    """One long operation of this process."""

    def __init__(self, what: str, total: int = 0, parts: int = 0) -> None:
        self._what, self._total, self._parts = what, total, parts
        self._done = self._parts_done = 0
        self._began = time.monotonic()
        self._lock = threading.Lock()

    def advance(self, count: int) -> None:
        """Add bytes that were processed."""
        self._report(count, 0)

    def finish_part(self) -> None:
        """Count a layer that is finished."""
        self._report(0, 1)

    def _report(self, count: int, parts: int) -> None:
        if not _listeners:
            return
        with self._lock:
            self._done += count
            self._parts_done += parts
            took = time.monotonic() - self._began
            state = State(self._what, self._done, self._total, self._parts_done, self._parts, took)
        for listener in tuple(_listeners):
            listener(state)


_listeners: list[Listener] = []
#: The operations that are open, the innermost last.
_open: list[Operation] = []


@contextmanager
def reported_to(listener: Listener) -> Iterator[None]:
    """Call ``listener`` with each state of each operation, in the thread that works; it must not raise."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


@contextmanager
def operation(what: str, *, total: int = 0, parts: int = 0) -> Iterator[Operation]:
    """Open an operation; ``what`` is a phrase such as "pulling docker.io/library/postgres:16"."""
    opened = Operation(what, total, parts)
    _open.append(opened)
    try:
        yield opened
    finally:
        _open.remove(opened)


def advance(count: int) -> None:
    """Add bytes to the innermost open operation; do nothing if there is none."""
    if _open:
        _open[-1].advance(count)


def finish_part() -> None:
    """Count a finished layer of the innermost open operation; do nothing if there is none."""
    if _open:
        _open[-1].finish_part()
