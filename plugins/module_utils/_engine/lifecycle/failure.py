# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell why a container failed: exit code, out of memory, health, and its last lines, in one error."""

from __future__ import annotations

import json
from typing import Any

from ..errors import ContainerFailed, EngineError
from ..model.record import ContainerRecord
from ..runtime import logs
from ..state import containers
from .attached import log_path
from .engine import Engine

#: How many lines of the log go with the error.
LINES = 20
#: How much of a line does.
_WIDTH = 500


def failed(engine: Engine, record: ContainerRecord, why: str, *, since: int = 0) -> ContainerFailed:
    """Return the error; ``why`` completes "container web ...". ``since``: the run's begin, in ns since the epoch.

    Its fields: ``name``, ``exit_code`` (null: nobody saw it), ``oom_killed``, ``health`` (null without a check) and ``log``.
    """
    told = facts_of(engine, record, since=since)
    text = f"container {record.name} {why}{_in_words(told)}"
    return ContainerFailed(text, name=record.name, **told)


def add_facts(engine: Engine, error: EngineError, record: ContainerRecord, *, since: int) -> None:
    """Put what is known of a run that failed in the error that ended it; what the error tells itself stands."""
    told = facts_of(engine, record, since=since)
    error.fields.update({key: value for key, value in told.items() if key not in error.fields})
    error.message += _in_words({"log": told["log"]})


def facts_of(engine: Engine, record: ContainerRecord, *, since: int) -> dict[str, Any]:
    """Return what is known of a run."""
    lines = [line.text[:_WIDTH] for line in logs.read(log_path(engine, record), tail=LINES, since=since)]
    with engine.database.reading() as connection:
        health = containers.health_of(connection, record.id)
    return {
        "exit_code": record.exit_code,
        "oom_killed": record.oom_killed,
        "health": {"status": health[0], "log": json.loads(health[1])} if health else None,
        "log": lines,
    }


def _in_words(told: dict[str, Any]) -> str:
    parts = []
    if told.get("oom_killed"):
        parts.append("it was killed for want of memory")
    health = told.get("health")
    if health and health["log"]:
        last = health["log"][-1]
        parts.append(
            f"its last health check ended with {last.get('ExitCode')}: {str(last.get('Output', ''))[:_WIDTH].strip()}"
        )
    if told["log"]:
        parts.append("its last lines:\n" + "\n".join(told["log"]))
    return "; ".join(["", *parts])
