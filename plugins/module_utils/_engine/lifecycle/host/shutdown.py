# SPDX-License-Identifier: GPL-3.0-or-later
"""Stop all containers when the host stops: each by its own signal and in its own time, what needs others before these.

That is no wish: the records say ``interrupted``, and the next boot starts what policy and user want running.
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

#: What the record says of why the run ended.
_MARKS = {"interrupted": True, "restart_at": None}
#: How many end at once. Each waits for its process, and takes a thread and an open database.
_AT_ONCE = 32
#: Seconds at most for a container that is to be waited for without end: systemd's own patience with a service.
_LONGEST = 90

Opener = Callable[[], AbstractContextManager[Engine]]


class Stopped(NamedTuple):
    """A container that was stopped; ``error`` in words, "" when it has ended."""

    name: str
    error: str = ""


def shutdown(engine: Engine, opener: Opener) -> Iterator[Stopped]:
    """Stop everything and yield what became of each; go on through errors.

    ``opener`` opens the engine once more, for a thread has to have its own database.
    """
    with engine.database.reading() as connection:
        records = {record.id: record for record in containers.all(connection)}
        needs: dict[str, list[str]] = {}
        for found in dependencies.all(connection):
            needs.setdefault(found.container_id, []).append(found.needs)
    # First of all: what ends by itself from now on must not be restarted.
    living = [one for one in records if _mark(engine, one)]
    first = [one for one in reversed(graph.order(living, needs)) if one in living]
    needed_by = graph.turned(needs)
    ending: dict[str, Future[Stopped]] = {}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for (
            one
        ) in first:  # whoever is waited for was handed in before, so no thread waits for one that can't begin
            before = [ending[user] for user in needed_by.get(one, ()) if user in ending]
            ending[one] = pool.submit(_stop_after, before, opener, records[one])
        for future in ending.values():
            yield future.result()


def _mark(engine: Engine, container_id: str) -> bool:
    """Note that the host ends the run, and take a pending restart away; tell whether the container lives."""
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
