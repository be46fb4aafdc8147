# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors that say why a container failed: exit code, OOM kill, health, and the last lines of its log."""

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

#: Lines of the log in the error.
LINES = 20
#: Characters of each line.
_WIDTH = 500


def failed(engine: Engine, record: ContainerRecord, why: str) -> ContainerFailed:
    """Return the error; ``why`` completes "container web ...".

    Its fields: ``name``, ``exit_code`` (null if unknown), ``oom_killed``, ``health`` (null without a check) and ``log``.
    """
    told = facts_of(engine, record)
    text = f"container {record.name} {why}{_in_words(told)}"
    return ContainerFailed(text, name=record.name, **told)


def add_facts(engine: Engine, error: EngineError, record: ContainerRecord) -> None:
    """Add the facts of a failed run to the error that ended it, without replacing the error's own fields."""
    # The record still describes the previous run.
    told = {**facts_of(engine, record), "exit_code": None, "oom_killed": False}
    error.fields.update({key: value for key, value in told.items() if key not in error.fields})
    error.message += _in_words({"log": told["log"]})


def facts_of(engine: Engine, record: ContainerRecord) -> dict[str, Any]:
    """Return the facts of the last run."""
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
        # Earlier lines belong to another run.
        found = [line for line in log_of(engine, record).read(tail=LINES) if line.time >= since]
    except WrongState:  # the log's path is not a readable log; that is not the failure to report
        return []
    return [line.text[:_WIDTH] for line in found]


def _begin(engine: Engine, record: ContainerRecord) -> int:
    """Return a time before the run's first line: that of config.json, which each start writes first."""
    try:
        return os.stat(f"{engine.layout.container(record.id).bundle}/config.json").st_mtime_ns
    except FileNotFoundError:
        return time.time_ns()


def _in_words(told: dict[str, Any]) -> str:
    parts = []
    if told.get("oom_killed"):
        parts.append("the kernel killed it because it ran out of memory")
    health = told.get("health")
    if health and health["Log"]:
        last = health["Log"][-1]
        parts.append(
            f"its last health check exited with {last['ExitCode']}: {last['Output'][:_WIDTH].strip()}"
        )
    if told["log"]:
        parts.append("its last log lines:\n" + "\n".join(told["log"]))
    return "; ".join(["", *parts])
