# SPDX-License-Identifier: GPL-3.0-or-later
"""Removal of a container and everything created for it (seed: checkReadyForRemoval, teardownStorage)."""

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
    """Remove a container that is not alive, and its anonymous volumes if ``with_volumes``.

    ``aside`` is a directory to which its files are moved, under its id, instead of being deleted. Raises WrongState for a
    container that is alive. Calling this again completes a removal that was killed.
    """
    with engine.timings.of("remove"), hold(engine, container_id, "remove") as record:
        if record.status in status.ALIVE:
            raise WrongState(
                f"container {record.name} is {record.status} and cannot be removed", name=record.name
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
    """Remove the container with its lock held; its row goes last, so that a killed removal can be completed.

    ``keep_row`` keeps the row, which lists the anonymous volumes: ``create`` deletes it in the transaction that passes
    them to the replacing container.
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
    """Move a directory; return False if it does not exist or there is no room."""
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
    """Delete the row; return the anonymous volumes that are now unused.

    The last container's removal also removes the engine's cgroup, in the same transaction: a process that inserts a
    container waits for it, so no start loses its parent cgroup.
    """
    with engine.database.transaction() as connection:
        # Only a container that is removed at its exit (rm) can still have dependents: other removals are refused.
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
        # A volume shared by volumes_from stays with its other users.
        return [name for name in anonymous if not volumes.users(connection, name)]
