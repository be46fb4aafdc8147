# SPDX-License-Identifier: GPL-3.0-or-later
"""Carry out a change as a list of steps, and undo those done when one fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from ...errors import EngineError


class Step(NamedTuple):
    """One step of a change. ``name`` is its key in ``timings``.

    ``undo`` must bear that ``do`` got only half-way or did not run: it is registered before ``do`` is called.
    """

    name: str
    do: Callable[[], object]
    undo: Callable[[], object] | None = None

    def describe(self) -> str:
        """Return the step in words, for a log."""
        return self.name.replace("_", " ")


class Timings:
    """Seconds by step; a step that runs twice is added up (seed: the opentracing spans)."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Add the time of the body to ``name``, also when it fails."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - begin

    def rounded(self) -> dict[str, float]:
        """Return the seconds to the tenth of a millisecond."""
        return {name: round(value, 4) for name, value in self.seconds.items()}


def run(steps: Iterable[Step], timings: Timings) -> None:
    """Do the steps in order; when one raises, undo in reverse order and raise its error.

    What goes wrong in undoing does not hide that error; it is told in its field ``not_undone``.
    """
    problems: list[str] = []
    try:
        with ExitStack() as undo:
            for step in steps:
                undo.callback(_undo, step, problems)
                with timings.of(step.name):
                    step.do()
            undo.pop_all()
    except EngineError as error:
        if problems:
            error.fields["not_undone"] = problems
        raise


def _undo(step: Step, problems: list[str]) -> None:
    try:
        if step.undo is not None:
            step.undo()
    except (EngineError, OSError) as error:
        problems.append(f"{step.describe()}: {error}")
