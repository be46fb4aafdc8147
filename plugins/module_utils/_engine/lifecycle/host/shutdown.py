# SPDX-License-Identifier: GPL-3.0-or-later
"""Stop all containers when the host stops, each with its own stop signal and timeout, dependents first.

This is not a user's request: the records say ``interrupted``, and the next boot starts the containers that should run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import NamedTuple

from ...errors import EngineError, NotFound
from ...model.container import status
from ...model.engine.record import ContainerRecord
from ...plan import graph
from ...state import containers, dependencies
from ..container.stop import stop
from ..core.engine import Engine
from ..core.facts import save
from ..core.origin import source_of
from ..core.waiter import wake
from ..guard.hold import hold

#: The fields of the record that say why the run ended.
_MARKS = {"interrupted": True, "restart_at": None}
#: The number of containers stopped at once. Each takes a thread, which waits for the process, and an open database.
_AT_ONCE = 32
#: The timeout in seconds of a container whose own is infinite: systemd's default for a service.
_LONGEST = 90

Opener = Callable[[], AbstractContextManager[Engine]]


class Stopped(NamedTuple):
    """A stopped container; ``error`` is the reason of a failure, "" when it has exited."""

    name: str
    error: str = ""


def shutdown(engine: Engine, opener: Opener) -> Iterator[Stopped]:
    """Stop all containers; yield each one's result, errors included.

    ``opener`` opens the engine once more, because each thread needs its own database connection.
    """
    with engine.database.reading() as connection:
        records = {record.id: record for record in containers.all(connection)}
        needs: dict[str, list[str]] = {}
        for found in dependencies.all(connection):
            needs.setdefault(found.container_id, []).append(found.needs)
    # First of all: a container that exits by itself from now on must not be restarted.
    living = [one for one in records if _mark(engine, one)]
    first = [one for one in reversed(graph.order(living, needs)) if one in living]
    needed_by = graph.turned(needs)
    ending: dict[str, Future[Stopped]] = {}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        # Each future waited for was submitted before, so no thread waits for one that can't begin.
        for one in first:
            before = [ending[user] for user in needed_by.get(one, ()) if user in ending]
            ending[one] = pool.submit(_stop_after, before, opener, records[one])
        for future in ending.values():
            yield future.result()


def _mark(engine: Engine, container_id: str) -> bool:
    """Record that the host ends the run, and cancel a pending restart; return whether it is alive."""
    try:
        with hold(engine, container_id, "shutdown") as record:
            if record.status in status.ALIVE or record.restart_at is not None:
                save(engine, record, **_MARKS)
            if record.restart_at is not None:
                wake(engine.layout.container(record.id))
            return record.status in status.ALIVE
    except NotFound:
        return False


def _stop_after(before: list[Future[Stopped]], opener: Opener, record: ContainerRecord) -> Stopped:
    for future in before:
        future.result()
    try:
        with opener() as engine:
            timeout = _LONGEST if record.spec.stop_timeout < 0 else None
            stop(engine, record.id, source_of(engine, record).config, timeout=timeout, marks=_MARKS)
    except NotFound:  # with rm, the agent has removed it
        return Stopped(record.name)
    except (EngineError, OSError) as error:
        return Stopped(record.name, str(error))
    return Stopped(record.name)
