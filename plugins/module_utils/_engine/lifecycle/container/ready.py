# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait until a started container is ready, and report why one is not."""

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

#: Seconds that the agent has to decide on a restart, once a container has exited.
_DECISION = 3.0


def wait_ready(engine: Engine, record: ContainerRecord, *, timeout: float) -> ContainerRecord:
    """Wait until the container is healthy or, without a health check, ran for a second; return its record.

    ``timeout`` is in seconds; 0 or less means no limit. Raises ContainerFailed when it becomes unhealthy, exits for good,
    is paused or removed, or the time has passed.
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
        raise failed(engine, look.record, f"exited with {_code(look.record)}, but should be running")
    if look.record.status == status.PAUSED:
        raise failed(engine, look.record, "was paused before it was ready")
    if look.health == "unhealthy":
        raise failed(engine, look.record, "is unhealthy")
    return look.record


def _ready() -> Condition:
    """Return the condition that the wait has an outcome: the container is ready, or can't become ready."""
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
    """Return MET if an exited container stays so, else the seconds to wait for its restart policy."""
    if record.restart_at is not None:
        return UNTIL_TOLD
    # *stopped*: the restart policy is not applied yet; the agent is about to do so, or was killed.
    judged = record.status == status.EXITED or record.spec.restart_policy.word == NO
    return MET if judged else max(MET, since + _DECISION - time.monotonic())


def _failure(engine: Engine, record: ContainerRecord, why: str) -> ContainerFailed:
    with engine.database.reading() as connection:
        now = containers.get(connection, record.id)
    return failed(engine, observe(engine, now) if now else record, why)


def _code(record: ContainerRecord) -> str:
    return "an unknown exit code" if record.exit_code is None else f"exit code {record.exit_code}"
