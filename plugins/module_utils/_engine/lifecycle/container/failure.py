# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell why a container failed: exit code, out of memory, health, and its last lines, in one error."""

from __future__ import annotations

import os
import time
from typing import Any

from ...errors import ContainerFailed, EngineError, WrongState
from ...model.engine.record import ContainerRecord
from ..core.engine import Engine
from ..core.health_state import check_of, state_of
from ..core.logpath import log_of
from ..inspect.health import health_shape

#: How many lines of the log go with the error.
LINES = 20
#: How much of a line does.
_WIDTH = 500


def failed(engine: Engine, record: ContainerRecord, why: str) -> ContainerFailed:
    """Return the error; ``why`` completes "container web ...".

    Its fields: ``name``, ``exit_code`` (null: nobody saw it), ``oom_killed``, ``health`` (null without a check) and ``log``.
    """
    told = facts_of(engine, record)
    text = f"container {record.name} {why}{_in_words(told)}"
    return ContainerFailed(text, name=record.name, **told)


def add_facts(engine: Engine, error: EngineError, record: ContainerRecord) -> None:
    """Put what is known of a run that failed in the error that ended it; what the error tells itself stands."""
    # The record still tells of the run before.
    told = {**facts_of(engine, record), "exit_code": None, "oom_killed": False}
    error.fields.update({key: value for key, value in told.items() if key not in error.fields})
    error.message += _in_words({"log": told["log"]})


def facts_of(engine: Engine, record: ContainerRecord) -> dict[str, Any]:
    """Return what is known of the last run."""
    health = state_of(engine, record, check_of(engine, record))
    return {
        "exit_code": record.exit_code,
        "oom_killed": record.oom_killed,
        "health": health_shape(health) if health else None,
        "log": _last_lines(engine, record),
    }


def _last_lines(engine: Engine, record: ContainerRecord) -> list[str]:
    since = _begin(engine, record)
    try:
        # A part of a line before that is of another run.
        found = [line for line in log_of(engine, record).read(tail=LINES) if line.time >= since]
    except WrongState:  # another thing is in the log's place, which is not what failed
        return []
    return [line.text[:_WIDTH] for line in found]


def _begin(engine: Engine, record: ContainerRecord) -> int:
    """Return a time before the run's first line: each start writes config.json; the record's time is that after the start."""
    try:
        return os.stat(f"{engine.layout.container(record.id).bundle}/config.json").st_mtime_ns
    except FileNotFoundError:
        return time.time_ns()


def _in_words(told: dict[str, Any]) -> str:
    parts = []
    if told.get("oom_killed"):
        parts.append("it was killed for want of memory")
    health = told.get("health")
    if health and health["Log"]:
        last = health["Log"][-1]
        parts.append(
            f"its last health check ended with {last['ExitCode']}: {last['Output'][:_WIDTH].strip()}"
        )
    if told["log"]:
        parts.append("its last lines:\n" + "\n".join(told["log"]))
    return "; ".join(["", *parts])
