# SPDX-License-Identifier: GPL-3.0-or-later
"""A change as a list of steps that pass on a value, and are undone when one fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Generic, TypeVar

from ...errors import EngineError

#: The value that the steps of a change pass on; never modified in place.
T = TypeVar("T")


class Step(Generic[T]):
    """One step of a change. ``name`` is its key in ``timings``.

    ``do`` takes the value of the previous step and returns it with its additions. ``undo`` takes the value that the last
    successful step returned. It is registered before ``do`` is called, so it must work if ``do`` stopped half-way or did not
    run.
    """

    def __init__(self, name: str, do: Callable[[T], T], undo: Callable[[T], object] | None = None) -> None:
        self.name, self.do, self.undo = name, do, undo

    def describe(self) -> str:
        """Return the step's name as text, for a log."""
        return self.name.replace("_", " ")


class Timings:
    """Seconds by step; repeated runs of a step are added up (seed: the opentracing spans)."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Add the duration of the body to ``name``, also if it fails."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - begin

    def rounded(self) -> dict[str, float]:
        """Return the seconds, rounded to a tenth of a millisecond."""
        return {name: round(value, 4) for name, value in self.seconds.items()}


def doing(act: Callable[[T], object]) -> Callable[[T], T]:
    """Return a ``do`` that calls ``act`` and returns the value unchanged."""

    def do(value: T) -> T:
        act(value)
        return value

    return do


def run(steps: Iterable[Step[T]], value: T, timings: Timings) -> T:
    """Do the steps in order and return the last value; if one raises, undo them in reverse and re-raise.

    Failures of the undo do not hide that error; its field ``not_undone`` lists them.
    """
    problems: list[str] = []
    try:
        with ExitStack() as undo:
            for step in steps:

                def undo_step(step: Step[T] = step) -> None:
                    _undo(step, value, problems)  # noqa: B023  (the value at that time)

                undo.callback(undo_step)
                with timings.of(step.name):
                    value = step.do(value)
            undo.pop_all()
    except EngineError as error:
        if problems:
            error.fields["not_undone"] = problems
        raise
    return value


def _undo(step: Step[T], value: T, problems: list[str]) -> None:
    try:
        if step.undo is not None:
            step.undo(value)
    except (EngineError, OSError) as error:
        problems.append(f"{step.describe()}: {error}")
