# SPDX-License-Identifier: GPL-3.0-or-later
"""Send a signal to a container (seed: kill)."""

from __future__ import annotations

import signal

from ...errors import WrongState
from ...kernel.process import Process
from ...model.container import status
from ...model.container.program import stop_signal
from ...model.engine.record import ContainerRecord
from ..core.engine import Engine
from ..core.facts import save
from ..core.origin import source_of
from ..guard.hold import hold
from .stop import kill_all


def kill(engine: Engine, container_id: str, signum: int, *, wish: bool = True) -> ContainerRecord:
    """Send the signal to the container's first process, and return the record without waiting for an effect.

    KILL goes to all processes if the container has no PID namespace of its own, and also kills a paused container. With
    ``wish``, KILL and the container's stop signal mark it as stopped by its user, as in docker; in libpod any signal
    does, so that a reload by HUP disables the restart policy. Raises WrongState for a container that is not alive.
    """
    with engine.timings.of("kill"), hold(engine, container_id, "kill") as record:
        if record.status not in status.ALIVE or record.process is None:
            raise WrongState(
                f"container {record.name} is {record.status} and can't be sent a signal",
                remedy="Start the container first",
                name=record.name,
                status=record.status,
            )
        return _send(engine, record, Process(*record.process), signum, wish=wish)


def _send(
    engine: Engine, record: ContainerRecord, process: Process, signum: int, *, wish: bool
) -> ContainerRecord:
    if wish and signum in (signal.SIGKILL, stop_signal(record.spec, source_of(engine, record).config)):
        record = save(engine, record, stopped_by_user=True)
    if signum == signal.SIGKILL:
        record = kill_all(engine, record, process)
    else:
        process.signal(signum)
    engine.tell("container", "kill", record.id, record.name, signal=str(signum))
    return record
