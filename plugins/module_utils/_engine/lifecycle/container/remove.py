# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove a container and everything that was made for it (seed: checkReadyForRemoval, teardownStorage)."""

from __future__ import annotations

import os
import time
from contextlib import suppress

from ...errors import WrongState
from ...kernel.disk_full import NO_ROOM
from ...kernel.removal import remove_tree
from ...model.container import status
from ...model.engine.record import ContainerRecord, Event
from ...state import containers, dependencies, events, volumes
from ..core.dependencies import refuse_needed
from ..core.engine import Engine
from ..core.facts import save
from ..core.waiter import wake
from ..guard import waste
from ..guard.cleanup import release
from ..guard.hold import hold
from ..resources.cgroup import clear_engine
from ..resources.volume import discard


def remove(
    engine: Engine, container_id: str, *, with_volumes: bool, keep_row: bool = False, aside: str | None = None
) -> None:
    """Remove a container that does not live; ``with_volumes``: its anonymous volumes too.

    ``aside``: a directory that its files are moved to, by its id, in place of being deleted.
    Raises WrongState for one that lives. A removal that was killed is finished by calling this again.
    """
    with engine.timings.of("remove"), hold(engine, container_id, "remove") as record:
        if record.status in status.ALIVE:
            raise WrongState(
                f"container {record.name} is {record.status} and can't be removed", name=record.name
            )
        if not keep_row and record.status != status.REMOVING:
            refuse_needed(engine, record)
        remove_held(engine, record, with_volumes=with_volumes, keep_row=keep_row, aside=aside)


def remove_held(
    engine: Engine,
    record: ContainerRecord,
    *,
    with_volumes: bool,
    keep_row: bool = False,
    aside: str | None = None,
) -> None:
    """Do it, with the container's lock held. The row goes last, so whatever is left of a killed removal is found by it.

    ``keep_row`` leaves even that: the row knows the anonymous volumes, and ``create`` deletes it in the same moment as it
    hands them to the container that replaces this one.
    """
    save(engine, record, status=status.REMOVING, intent="remove", restart_at=None)
    if record.restart_at is not None:
        wake(engine.layout.container(record.id))
    container = engine.layout.container(record.id)
    with waste.left_if_read_only(), suppress(FileNotFoundError):
        os.unlink(container.kept_mounted)
    release(engine, record)
    if aside is None or not _moved(container.static, f"{aside}/{record.id}"):
        waste.throw_away(engine, container.static)
    with waste.left_if_read_only():
        remove_tree(container.run)
    if keep_row:
        return
    anonymous = _delete_row(engine, record)
    for name in anonymous if with_volumes else ():
        discard(engine, name)


def _moved(path: str, place: str) -> bool:
    """Move a directory; tell whether there was one, and room to do so."""
    try:
        os.rename(path, place)
    except FileNotFoundError:
        return False
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        return False
    return True


def _delete_row(engine: Engine, record: ContainerRecord) -> list[str]:
    """Delete the row; with the last container the engine's own cgroup goes too.

    In one transaction: whoever inserts a container waits for it, so the cgroup is not taken from under a start.
    """
    with engine.database.transaction() as connection:
        # Whoever needed one that goes by itself (rm) does so no more; any other removal was refused.
        dependencies.take_off(connection, record.id)
        containers.delete(connection, record.id)
        events.add(connection, Event(time.time_ns(), "container", "remove", record.id, record.name))
        if not containers.names(connection):
            clear_engine(engine)
        if record.spec.cgroup_parent:
            from ..resources import cgroup_parents

            cgroup_parents.leave(engine, record, containers.all(connection))
        known = (volumes.get(connection, name) for name in record.volumes.values())
        anonymous = [volume.spec.name for volume in known if volume is not None and volume.anonymous]
        # One that it had by volumes_from stays with those that have it still.
        return [name for name in anonymous if not volumes.users(connection, name)]
