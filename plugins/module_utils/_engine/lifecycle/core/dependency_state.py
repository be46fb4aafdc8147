# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of the containers that a container needs (seed: checkDependenciesRunning)."""

from __future__ import annotations

from ...model.container import status
from ...model.engine.record import ContainerRecord
from ...state import containers, dependencies
from .engine import Engine
from .facts import observe


def needed_by(engine: Engine, container_id: str) -> tuple[ContainerRecord, ...]:
    """Return the containers that must run for this one, corrected by the facts, each once."""
    with engine.database.reading() as connection:
        needs = dependencies.of(connection, container_id)
        ids = dict.fromkeys(found.needs for found in needs if found.must_run)
        records = [containers.get(connection, one) for one in ids]
    return tuple(observe(engine, record) for record in records if record is not None)


def not_running(engine: Engine, record: ContainerRecord) -> tuple[str, ...]:
    """Return the names of needed containers that do not run; a paused one counts as not running."""
    found = needed_by(engine, record.id)
    return tuple(sorted(one.name for one in found if one.status != status.RUNNING))
