# SPDX-License-Identifier: GPL-3.0-or-later
"""Cleanup of a container: runtime, then storage. Errors are collected, and all reported (seed: cleanup)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import partial

from ...errors import EngineError
from ...model.container import status
from ...model.engine.record import ContainerRecord
from ..core.emergency import is_no_room
from ..core.engine import Engine
from ..core.facts import save_and_tell
from ..resources import held


class CleanupIncomplete(EngineError):
    """Parts of a container could not be cleaned up; ``problems`` lists them."""

    code = "cleanup_incomplete"


def cleanup(engine: Engine, record: ContainerRecord) -> ContainerRecord:
    """Clean up a container that has exited, and return its record; the lock is held, the record synced.

    Do nothing for a living container, nor for one being removed: completing the removal includes the cleanup. Idempotent.
    Raises CleanupIncomplete after trying everything.
    """
    if record.status in status.ALIVE or record.status == status.REMOVING:
        return record
    with engine.timings.of("cleanup"):
        release(engine, record)
    after = {status.STOPPED: status.EXITED, status.CREATED: status.CONFIGURED}.get(
        record.status, record.status
    )
    if after == record.status and not record.intent:
        return record
    told = ("cleanup",) if record.spec.rootfs else ("unmount", "cleanup")
    changed = save_and_tell(engine, record, told, status=after, intent="", process=None, monitor=None)
    if os.path.exists(engine.layout.container(record.id).health):
        from ..core.health_notify import nudge

        nudge(
            engine, record.id, needed=False
        )  # so that the health checker exits when it has no container left
    return changed


def release(engine: Engine, record: ContainerRecord) -> None:
    """Release all that a run holds on the host; idempotent. Raises HostLacks before any release."""
    from ..core.runtime import runtime_of

    runtime_of(engine, record)  # without the runtime, it is unknown whether anything is left
    _attempt(record, ((one.name, partial(one.release, engine, record)) for one in held.backwards()))


def release_shared(engine: Engine, record: ContainerRecord) -> None:
    """Release shared resources once the record has no intent: until then, others leave them to us."""
    _attempt(record, ((one.name, partial(one.release, engine, record)) for one in held.shared()))


def _attempt(record: ContainerRecord, tasks: Iterable[tuple[str, Callable[[], object]]]) -> None:
    problems = []
    for what, act in tasks:
        try:
            act()
        except (EngineError, OSError) as error:  # noqa: PERF203  (try each, regardless of earlier failures)
            # A file that can't be deleted from a read-only disk does not keep anything running.
            if not is_no_room(error):
                problems.append(f"{what}: {error}")
    if problems:
        raise CleanupIncomplete(
            f"container {record.name} could not be cleaned up completely: {'; '.join(problems)}",
            remedy="Run the task or `slipway cleanup` again",
            problems=problems,
        )
