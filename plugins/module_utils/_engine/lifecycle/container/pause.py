# SPDX-License-Identifier: GPL-3.0-or-later
"""Pause and unpause a container (seed: pause, unpause)."""

from __future__ import annotations

from ...errors import WrongState
from ...model.container import status
from ...model.engine.record import ContainerRecord
from ..core.engine import Engine
from ..guard.freeze import PAUSE, UNPAUSE, check_freezer, freeze, thaw
from ..guard.hold import hold


def pause(engine: Engine, container_id: str) -> ContainerRecord:
    """Freeze the container, unless it is paused already, and return its record.

    Raises WrongState if it does not run, HostLacks if its cgroup can't be frozen; nothing is changed then.
    """
    with engine.timings.of(PAUSE), hold(engine, container_id, PAUSE) as record:
        if record.status == status.PAUSED:
            return record
        if record.status != status.RUNNING or record.process is None:
            raise WrongState(
                f"container {record.name} is {record.status} and can't be paused",
                remedy="Start the container first",
                name=record.name,
                status=record.status,
            )
        check_freezer(record)
        return freeze(engine, record)


def unpause(engine: Engine, container_id: str) -> ContainerRecord:
    """Thaw a paused container and return its record; do nothing if it runs. Raises WrongState otherwise."""
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
