# SPDX-License-Identifier: GPL-3.0-or-later
"""Carry out a change as a list of steps that hand a value on, and undo those done when one fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Generic, TypeVar

from ...errors import EngineError

#: What the steps of one change hand on: a value, never altered in place.
T = TypeVar("T")


class Step(Generic[T]):
    """One step of a change. ``name`` is its key in ``timings``.

    ``do`` takes the value as the step before it left it, and returns it with what it adds. ``undo`` takes the value that the last
    step which succeeded has returned. It must bear that ``do`` got only half-way or did not run: it is registered before ``do``
    is called.
    """

    def __init__(self, name: str, do: Callable[[T], T], undo: Callable[[T], object] | None = None) -> None:
        self.name, self.do, self.undo = name, do, undo

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


def doing(act: Callable[[T], object]) -> Callable[[T], T]:
    """Return a ``do`` that carries out the act and adds nothing to the value."""

    def do(value: T) -> T:
        act(value)
        return value

    return do


def run(steps: Iterable[Step[T]], value: T, timings: Timings) -> T:
    """Do the steps in order and return what the last one hands on; when one raises, undo in reverse order and raise its error.

    What goes wrong in undoing does not hide that error; it is told in its field ``not_undone``.
    """
    problems: list[str] = []
    try:
        with ExitStack() as undo:
            for step in steps:

                def undo_step(step: Step[T] = step) -> None:
                    _undo(step, value, problems)  # noqa: B023  (the value as it is by then)

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
