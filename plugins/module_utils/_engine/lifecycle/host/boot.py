# SPDX-License-Identifier: GPL-3.0-or-later
"""Start, when the host has booted, what restart policies and users' wishes say, each after what it needs.

``open_engine`` has refreshed the records before. libpod has no such verb: podman-restart.service starts everything whose
policy is always, also what its user had stopped.
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
    """A container that the boot was to start, or a volume it was to mount; ``error`` in words, "" when it runs."""

    name: str
    error: str = ""


def boot(engine: Engine, command: tuple[str, ...]) -> Iterator[Started]:
    """Start one container after the other and yield what became of each; go on through errors.

    ``command`` is what conmon calls at the end of each.
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
    """Mount what its user wants mounted; one that can't be keeps no container from its start."""
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
