# SPDX-License-Identifier: GPL-3.0-or-later
"""Freeze a container and let it go on (seed: pause, unpause)."""

from __future__ import annotations

from ...errors import WrongState
from ...model.container import status
from ...model.engine.record import ContainerRecord
from ..core.engine import Engine
from ..guard.freeze import PAUSE, UNPAUSE, check_freezer, freeze, thaw
from ..guard.hold import hold


def pause(engine: Engine, container_id: str) -> ContainerRecord:
    """Freeze the container, if it is not frozen yet, and return its record.

    Raises WrongState unless it runs, and HostLacks where its cgroup can't be frozen; nothing is changed then.
    """
    with engine.timings.of(PAUSE), hold(engine, container_id, PAUSE) as record:
        if record.status == status.PAUSED:
            return record
        if record.status != status.RUNNING or record.process is None:
            raise WrongState(
                f"container {record.name} is {record.status} and can't be paused",
                remedy="Only one that runs can be",
                name=record.name,
                status=record.status,
            )
        check_freezer(record)
        return freeze(engine, record)


def unpause(engine: Engine, container_id: str) -> ContainerRecord:
    """Let a paused container go on and return its record; one that runs stays as it is. Raises WrongState for others."""
    with engine.timings.of(UNPAUSE), hold(engine, container_id, UNPAUSE) as record:
        if record.status == status.RUNNING:
            return record
        if record.status != status.PAUSED:
            raise WrongState(
                f"container {record.name} is {record.status} and not paused",
                name=record.name,
                status=record.status,
            )
        return thaw(engine, record)
