# SPDX-License-Identifier: GPL-3.0-or-later
"""Start an existing container with its current spec."""

from __future__ import annotations

from ...model.container import status
from ...model.engine.record import ContainerRecord
from ...plan.boot import stays
from ..core.engine import Engine
from ..core.origin import engine_of, source_of
from ..guard.hold import hold
from ..preflight.container import check
from .start import start


def start_again(
    engine: Engine, container_id: str, exit_command: tuple[str, ...], *, wish: bool = True
) -> ContainerRecord:
    """Start the container unless it runs, and return its record.

    ``wish`` False means that no user asked for it: one that must stay stopped (plan/boot.py) is not started. Raises
    WrongState (paused, removing, unknown) and what ``preflight.check`` and ``start`` raise.
    """
    with hold(engine, container_id, "start") as record:
        if record.status == status.RUNNING or (stays(record) and not wish):
            return record
        own, source = engine_of(engine, record), source_of(engine, record)
        if record.status in status.STARTABLE:
            check(own, record.spec, source, record)
        return start(own, record, source, exit_command)
