# SPDX-License-Identifier: GPL-3.0-or-later
"""Record the result of a ``container`` task that found nothing to do, so that recognition.py can reuse it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Optional

from .._engine.errors import EngineError
from .._engine.frozen import replace
from .._engine.lifecycle.converge.recognisable import is_as_recorded, is_recognisable, stands_alone, waits
from .._engine.lifecycle.converge.request import Request
from .._engine.lifecycle.core.engine import Engine
from .._engine.lifecycle.core.health_state import check_of
from .._engine.lifecycle.core.outcome import Outcome
from .._engine.lifecycle.recognition import look, memory
from .._engine.model.values import utf8
from .._engine.state import containers, stored_rows
from .render import render

Act = Callable[[Engine, Request], Outcome]
#: A container's stored row, its observed state, and a value that differs after any write to the database or
#: to a file.
_Seen = tuple[Optional[stored_rows.Stored], Optional[str], Any]


def remembering(act: Act, task: memory.Task | None) -> Act:
    """Return ``act``, wrapped to record its outcome if the task can be recognised by it later."""

    def acted(engine: Engine, request: Request) -> Outcome:
        if task is None or engine.predicting or engine.unrecorded:
            return act(engine, request)
        before = _look(engine, task)
        outcome = act(engine, request)
        stored = before[0]
        if stored is not None and is_recognisable(request, outcome):
            at_once = replace(engine, lock_timeout=0.0)
            with suppress(EngineError, OSError), at_once.lock_container(stored.row["id"], "keep a result"):
                _keep(engine, task, request, outcome, before)
        return outcome

    return acted


def _look(engine: Engine, task: memory.Task) -> _Seen:
    stored, version = None, None
    with suppress(EngineError), engine.database.reading() as connection:  # the full path reports the error
        stored = stored_rows.find(connection, task.name)
        version = stored_rows.version(connection)
    seen = look.seen(engine.layout, stored) if stored else None
    return stored, seen, (version, look.contents(task.files))


def _keep(engine: Engine, task: memory.Task, request: Request, outcome: Outcome, before: _Seen) -> None:
    """Record the result, unless the state has changed between before and after it."""
    with engine.database.reading() as connection:
        record = containers.by_name(connection, request.name)
    stored, seen, other = _look(engine, task)
    same = (seen, other) == before[1:] and other[1] == task.files
    if record is None or stored is None or seen is None or not same:
        return
    if not (stands_alone(record) and is_as_recorded(outcome, record)):
        return
    check = check_of(engine, record)
    memory.keep(
        task,
        stored,
        seen,
        utf8.whole(render(outcome, subject=request.name)),
        checked=None if check is None else bool(check.interval or check.startup),
        waits=waits(request),
    )
