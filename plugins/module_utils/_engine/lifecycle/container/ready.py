# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait until a container that was started is fit for use, and tell what is wrong with one that is not."""

from __future__ import annotations

import math
import time

from ...errors import ContainerFailed
from ...model.container import status
from ...model.container.restart_policy import NO
from ...model.engine.record import ContainerRecord
from ...state import containers
from ..core.engine import Engine
from ..core.facts import observe
from .failure import failed
from .wait import MET, UNTIL_TOLD, Condition, Look, WaitTimeout, wait

#: Seconds for the agent to decide about a restart, once a container has ended.
_DECISION = 3.0


def wait_ready(engine: Engine, record: ContainerRecord, *, timeout: float) -> ContainerRecord:
    """Wait until the container is healthy, or one without a health check has run for a second; return its record.

    ``timeout`` in seconds; 0 or less: without end. Raises ContainerFailed when it becomes unhealthy, ends for good, is
    removed, or the time is over.
    """
    limit = timeout if timeout > 0 else math.inf
    with engine.timings.of("wait"):
        try:
            look = wait(engine, record.id, _ready(), timeout=limit, what="become ready")
        except WaitTimeout:
            raise _failure(engine, record, f"is not ready after {timeout:g} s") from None
    if look.record is None:
        raise ContainerFailed(f"container {record.name} was removed before it was ready", name=record.name)
    if look.ended:
        raise failed(engine, look.record, f"has ended with {_code(look.record)}, and should run")
    if look.record.status == status.PAUSED:
        raise failed(engine, look.record, "was paused before it was ready")
    if look.health == "unhealthy":
        raise failed(engine, look.record, "is unhealthy")
    return look.record


def _ready() -> Condition:
    """Return the condition that it can be told whether the container is ready."""
    ended: list[float] = []

    def condition(look: Look) -> float:
        if look.record is None or look.record.status == status.PAUSED:
            return MET
        if look.ended:
            ended.append(time.monotonic())
            return _is_over(look.record, ended[0])
        ended.clear()
        if look.record.status != status.RUNNING:
            return UNTIL_TOLD
        if look.health is not None:
            return UNTIL_TOLD if look.health == "starting" else MET
        ran = (time.time_ns() - (look.record.started or 0)) / 1e9
        return MET if ran < 0 or ran >= status.SETTLED else status.SETTLED - ran

    return condition


def _is_over(record: ContainerRecord, since: float) -> float:
    """Tell whether a container that has ended stays so: with a restart policy it may come again."""
    if record.restart_at is not None:
        return UNTIL_TOLD
    # *stopped* is an end that nobody has judged yet; the agent is on its way, or was killed.
    judged = record.status == status.EXITED or record.spec.restart_policy.word == NO
    return MET if judged else max(MET, since + _DECISION - time.monotonic())


def _failure(engine: Engine, record: ContainerRecord, why: str) -> ContainerFailed:
    with engine.database.reading() as connection:
        now = containers.get(connection, record.id)
    return failed(engine, observe(engine, now) if now else record, why)


def _code(record: ContainerRecord) -> str:
    return "an unknown exit code" if record.exit_code is None else f"exit code {record.exit_code}"
