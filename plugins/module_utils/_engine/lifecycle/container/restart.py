# SPDX-License-Identifier: GPL-3.0-or-later
"""Restart a container: stop it, tear it down, start it again (seed: restartWithTimeout).

libpod refuses to restart a paused container. Here it is stopped like any other: a restart means that it should run.
"""

from __future__ import annotations

from ...errors import WrongState
from ...model.container import status
from ...model.engine.record import ContainerRecord
from ..core.engine import Engine
from ..core.origin import engine_of, source_of
from ..guard.hold import hold
from ..preflight.container import check
from .start_existing import start_again
from .stop import TO_START, stop


def restart(
    engine: Engine,
    container_id: str,
    exit_command: tuple[str, ...],
    *,
    timeout: int | None = None,
    wish: bool = True,
) -> ContainerRecord:
    """Stop the container if it is alive, start it, and return its record. No lock is held while it stops.

    ``timeout`` is as for ``stop``. ``wish`` False means that the user did not ask for it, so a stop by the user meanwhile
    prevails. A hanging conmon is no obstacle: facts.sync kills it. Raises WrongState, what ``check`` raises (the container
    keeps running), and what ``stop`` and ``start`` raise (the container is stopped, and its record has the error).
    """
    with hold(engine, container_id, "restart") as record:
        if record.status not in status.STARTABLE | status.ALIVE:
            raise WrongState(
                f"container {record.name} is {record.status} and can't be restarted", name=record.name
            )
        source = source_of(engine, record)
        check(engine_of(engine, record), record.spec, source, record)
        engine.tell("container", "restart", record.id, record.name)
    if record.status in status.ALIVE:
        marks = TO_START if wish else {"restart_at": None}
        stop(engine, record.id, source.config, timeout=timeout, marks=marks)
    return start_again(engine, record.id, exit_command, wish=wish)
