# SPDX-License-Identifier: GPL-3.0-or-later
"""Clean up after a container: runtime, then storage; go on through errors and tell all of them (seed: cleanup)."""

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
    """Clean up a container that has ended, and return its record; the lock is held, the record synced.

    Nothing happens to one that lives, nor to one that is being removed: whoever goes on with that does all this too.
    What is gone already is fine. Raises CleanupIncomplete after trying everything.
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
        )  # so that the process that checks goes when it has nothing left
    return changed


def release(engine: Engine, record: ContainerRecord) -> None:
    """Take away everything that a run of the container holds on the host; idempotent. Raises HostLacks before anything."""
    from ..core.runtime import runtime_of

    runtime_of(engine, record)  # without it nobody can say whether anything is left
    _attempt(record, ((one.name, partial(one.release, engine, record)) for one in held.backwards()))


def release_shared(engine: Engine, record: ContainerRecord) -> None:
    """Let go of what others may hold too, now that the record has no intent: who let go meanwhile has left it to us."""
    _attempt(record, ((one.name, partial(one.release, engine, record)) for one in held.shared()))


def _attempt(record: ContainerRecord, tasks: Iterable[tuple[str, Callable[[], object]]]) -> None:
    problems = []
    for what, act in tasks:
        try:
            act()
        except (EngineError, OSError) as error:  # noqa: PERF203  (each is tried, whatever the ones before did)
            # A file that can't be deleted from a disk that is read-only holds nothing that runs.
            if not is_no_room(error):
                problems.append(f"{what}: {error}")
    if problems:
        raise CleanupIncomplete(
            f"container {record.name} could not be cleaned up wholly: {'; '.join(problems)}",
            remedy="The next task or `slipway cleanup` tries again",
            problems=problems,
        )
