# SPDX-License-Identifier: GPL-3.0-or-later
"""Look at the containers that a container needs (seed: checkDependenciesRunning)."""

from __future__ import annotations

from ...model.container import status
from ...model.engine.record import ContainerRecord
from ...state import containers, dependencies
from .engine import Engine
from .facts import observe


def needed_by(engine: Engine, container_id: str) -> tuple[ContainerRecord, ...]:
    """Return the containers that this one needs running, as the facts have them, each once."""
    with engine.database.reading() as connection:
        needs = dependencies.of(connection, container_id)
        ids = dict.fromkeys(found.needs for found in needs if found.must_run)
        records = [containers.get(connection, one) for one in ids]
    return tuple(observe(engine, record) for record in records if record is not None)


def not_running(engine: Engine, record: ContainerRecord) -> tuple[str, ...]:
    """Return the names of the containers that this one needs and that do not run; a paused one does not."""
    found = needed_by(engine, record.id)
    return tuple(sorted(one.name for one in found if one.status != status.RUNNING))
