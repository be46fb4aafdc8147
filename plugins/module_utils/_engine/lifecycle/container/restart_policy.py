# SPDX-License-Identifier: GPL-3.0-or-later
"""Restarts by the restart policy, when they are due (seed: handleRestartPolicy).

``restart_at`` in the record schedules a restart. The process that conmon called at the container's exit waits for that
time; if it dies, any process that finds the restart overdue may call ``attempt``. A stop, start or removal cancels it.
"""

from __future__ import annotations

import time
from typing import Optional

from ...errors import EngineError
from ...frozen import replace
from ...model.container import status
from ...model.engine.record import ContainerRecord
from ...plan import restart
from ..core.dependency_state import not_running
from ..core.engine import Engine
from ..core.facts import save
from ..core.origin import source_of
from ..core.waiter import Waiter, is_listened_to
from ..guard.hold import hold
from .start import start


def carry_out(engine: Engine, container_id: str, command: tuple[str, ...]) -> None:
    """Wait and start the container; repeat while starts fail and the policy allows another attempt.

    ``command`` is the exit command for conmon. Return at once if another process already waits. Raises NotFound if the
    container was removed meanwhile.
    """
    container = engine.layout.container(container_id)
    with hold(engine, container_id, "restart") as record:
        due = record.restart_at
        if not is_pending(record) or is_listened_to(container):
            return
        waiter = Waiter(container.restart_fifo)
    try:
        while due is not None:
            waiter.wait(due)
            due = attempt(engine, container_id, command, waiter)
    finally:
        waiter.close()


def attempt(
    engine: Engine, container_id: str, command: tuple[str, ...], waiter: Waiter | None = None
) -> Optional[int]:
    """Restart the container if due; return when to try next (ns since the epoch), None if never."""
    with hold(engine, container_id, "restart") as record:
        due = record.restart_at if is_pending(record) else None
        if due is not None and not 0 < due - time.time_ns() <= restart.LONGEST_DELAY:
            due = _try(engine, record, command)
        # A due time beyond the longest delay means that the clock was set back: treat it as due.
        if due is None and waiter is not None:
            waiter.close()
        return due


def is_pending(record: ContainerRecord) -> bool:
    """Return whether the container has a restart pending."""
    return record.restart_at is not None and record.status in status.STARTABLE


def _try(engine: Engine, record: ContainerRecord, command: tuple[str, ...]) -> Optional[int]:
    missing = not_running(engine, record)
    if missing:
        return _again(engine, record, restart.postpone(record, missing))
    # Counted before the start, as in libpod: an attempt that fails or is killed counts too.
    counted = save(engine, record, restart_count=record.restart_count + 1)
    try:
        same = replace(engine, runtime=record.runtime or None)
        start(same, counted, source_of(engine, record), command, by_policy=True)
    except (EngineError, OSError) as error:
        return _again(engine, counted, restart.decide_again(counted, str(error)))
    return None


def _again(engine: Engine, record: ContainerRecord, verdict: restart.Verdict) -> Optional[int]:
    due = time.time_ns() + verdict.delay if verdict.restart else None
    save(engine, record, restart_at=due, crashes=verdict.crashes, error=verdict.why)
    return due
