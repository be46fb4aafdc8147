# SPDX-License-Identifier: GPL-3.0-or-later
"""Print how far a long operation of a host is, in one line of the play's output every few seconds."""

from __future__ import annotations

import threading
import time
from typing import Any

from ansible import constants
from ansible_collections.slipway.oci.plugins.module_utils._engine.progress import State

#: Seconds before the first line, and between two lines.
FIRST, BETWEEN = 2.0, 5.0


class Progress:
    """Prints the states of one host's operations; may be called from any thread."""

    def __init__(self, display: Any, host: str, first: float = FIRST) -> None:
        self._display, self._host = display, host
        self._next = time.monotonic() + first
        self._lock = threading.Lock()

    def show(self, state: State) -> None:
        """Print a state, unless a line was printed within the last seconds."""
        now = time.monotonic()
        with self._lock:
            if now < self._next:
                return
            self._next = now + BETWEEN
        self._display.display(f"[{self._host}] {line(state)}")


def line(state: State) -> str:
    """Return ``pulling app:1: 3 of 7 layers, 120 of 340 MB, 14 s left``."""
    done, total = state.done // 10**6, state.total // 10**6
    parts = [f"{state.parts_done} of {state.parts} layers"] if state.parts else []
    parts.append(f"{done} of {total} MB" if state.total else f"{done} MB")
    if state.done and state.total > state.done:
        parts.append(f"{round(state.seconds * (state.total - state.done) / state.done)} s left")
    return f"{state.what}: {', '.join(parts)}"


def is_wanted(task: Any) -> bool:
    """Return whether lines may be printed: not for a task with ``no_log``, nor where the output is read by a program."""
    callback = str(constants.DEFAULT_STDOUT_CALLBACK).rpartition(".")[2]
    return not (task.no_log or constants.DEFAULT_NO_LOG or "json" in callback or callback == "null")
