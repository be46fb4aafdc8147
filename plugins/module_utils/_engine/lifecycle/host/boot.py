# SPDX-License-Identifier: GPL-3.0-or-later
"""Start containers after the host has booted, by restart policy and last request, in order of dependency.

``open_engine`` has refreshed the records before. libpod has no such verb: podman-restart.service starts every container whose
policy is always, even if its user had stopped it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import NamedTuple

from ...errors import EngineError
from ...model.engine.record import ContainerRecord, Event
from ...model.volume.spec import VolumeRecord
from ...plan.bootorder import to_start
from ...state import containers, dependencies, events, volumes
from ..container.start_existing import start_again
from ..core.dependency_state import not_running
from ..core.engine import Engine
from ..core.facts import observe


class Started(NamedTuple):
    """A container to start, or a volume to mount, at boot; ``error`` is the reason of a failure, else ""."""

    name: str
    error: str = ""


def boot(engine: Engine, command: tuple[str, ...]) -> Iterator[Started]:
    """Mount the volumes and start the containers one by one; yield each one's result, errors included.

    ``command`` is the command that conmon runs when a container exits.
    """
    with engine.database.transaction() as connection:
        records = containers.all(connection)
        needs = dependencies.all(connection)
        wished = [volume for volume in volumes.all(connection) if volume.mounted]
        events.add(connection, Event(time.time_ns(), "system", "boot", "", ""))
    for volume in wished:
        yield _mount(engine, volume)
    seen = {record.id: observe(engine, record) for record in records}
    edges = [(found.container_id, found.needs) for found in needs if found.must_run]
    for container_id in to_start(seen.values(), edges):
        yield _start(engine, seen[container_id], command)


def _mount(engine: Engine, volume: VolumeRecord) -> Started:
    """Mount a volume that is to stay mounted; a failure does not prevent containers from starting."""
    from ..resources.volume_mount import mount_again

    name = volume.spec.name
    try:
        mount_again(engine, name)
    except (EngineError, OSError) as error:
        return Started(f"volume {name}", str(error))
    return Started(f"volume {name}")


def _start(engine: Engine, record: ContainerRecord, command: tuple[str, ...]) -> Started:
    try:
        missing = not_running(engine, record)
        if missing:
            return Started(record.name, f"it needs {', '.join(missing)}, not running")
        start_again(engine, record.id, command)
    except (EngineError, OSError) as error:
        return Started(record.name, str(error))
    return Started(record.name)
