# SPDX-License-Identifier: GPL-3.0-or-later
"""Restore the replaced container when the new one does not start.

The old container's files stay in staging until the new one has started. A task that is killed meanwhile leaves them there
as waste, and the next task continues with the new container: only the task that sees the failure restores the old one.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from ...errors import EngineError, InUse
from ...frozen import replace
from ...kernel.disk_full import NO_ROOM
from ...kernel.staging import staging
from ...model.container import status
from ...model.engine.record import ContainerRecord, Event
from ...plan import container as planning
from ...plan.container import Plan
from ...state import containers, dependencies, events, volumes
from ..core.dependencies import resolve
from ..core.engine import Engine
from ..core.origin import source_of
from ..core.source import Source
from ..resources import id_mapping
from ..resources.volume import discard

#: The fate of the old container.
GONE = "is gone, its volumes are kept, and the next task continues from here"
RUNS = "runs again"
_REPLACING = frozenset({planning.STOP, planning.REMOVE, planning.CREATE, planning.START})


@contextmanager
def aside(engine: Engine, plan: Plan) -> Iterator[str | None]:
    """Yield a directory for the files of a living container that the plan replaces.

    None if the plan replaces none, or if the disk is full.
    """
    with ExitStack() as stack:
        place = None
        if {action.verb for action in plan.actions} >= _REPLACING:
            try:
                place, _fd = stack.enter_context(staging(engine.layout.staging))
            except OSError as error:
                if error.errno not in NO_ROOM:
                    raise
        yield place


def bring_back(engine: Engine, old: ContainerRecord, place: str | None, exit_command: tuple[str, ...]) -> str:
    """Start the replaced container again instead of the failed new one; return a text about its fate."""
    from ..container.start_existing import start_again

    try:
        if place is None or not _put_back(engine, old, f"{place}/{old.id}"):
            return GONE
    except (EngineError, OSError):  # report the error that led here instead
        return GONE
    try:
        start_again(engine, old.id, exit_command)
    except (EngineError, OSError) as error:
        return f"is restored, but can't be started again: {error}"
    return RUNS


def _put_back(engine: Engine, old: ContainerRecord, files: str) -> bool:
    """Restore row and files; return whether that succeeded. A kill leaves an incomplete removal."""
    from ..container.remove import remove

    with engine.database.reading() as connection:
        new = containers.by_name(connection, old.name)
    if new is None or new.started is not None or not os.path.lexists(files):
        return False
    source = source_of(engine, old)
    if new.id != old.id:
        remove(engine, new.id, with_volumes=False, keep_row=True)
    with engine.lock_container(old.id, "bring back"):
        if new.id != old.id:
            with engine.database.transaction() as connection:
                _exchange(connection, new, old, source)
        os.rename(files, engine.layout.container(old.id).static)
        with engine.database.transaction() as connection:
            containers.update(connection, old)
    _discard_anonymous(engine, new, old)
    return True


def _exchange(
    connection: sqlite3.Connection, new: ContainerRecord, old: ContainerRecord, source: Source
) -> None:
    """Delete the new container's row, and insert the old one's, as that of a container being removed."""
    dependents = dependencies.take_off(connection, new.id)
    containers.delete(connection, new.id)
    needs = resolve(connection, old.spec)
    if id_mapping.decide(connection, old.spec, source, old.mapping) != old.mapping:
        raise InUse(f"another container now has the ids of container {old.name}", name=old.name)
    containers.insert(connection, replace(old, status=status.REMOVING, intent="remove"))
    dependencies.write(connection, old.id, needs)
    dependencies.put_on(connection, dependents, old.id)
    events.add(connection, Event(time.time_ns(), "container", "remove", new.id, new.name))


def _discard_anonymous(engine: Engine, new: ContainerRecord, old: ContainerRecord) -> None:
    """Remove the anonymous volumes that were created with the new container."""
    for name in {*new.volumes.values()} - {*old.volumes.values()}:
        with engine.database.reading() as connection:
            known = volumes.get(connection, name)
        if known is not None and known.anonymous:
            with suppress(EngineError, OSError):  # in use by another container
                discard(engine, name)
