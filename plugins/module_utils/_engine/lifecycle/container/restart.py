# SPDX-License-Identifier: GPL-3.0-or-later
"""Restart a container: stop it, take everything down, build it up again (seed: restartWithTimeout).

libpod refuses to restart a paused container. Here it is stopped as any other: who says restart wants it to run.
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
    """Stop the container if it lives, start it, and return its record. No lock is held while it ends.

    ``timeout`` as for ``stop``. ``wish`` False: it is not the user's, who may stop it meanwhile, and then it stays so. A
    conmon that hangs does not stand in the way: facts.sync ends it. Raises WrongState, what ``check`` raises while the container
    runs on, and what ``stop`` and ``start`` raise; when the start fails, the container is stopped and its record tells why.
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
