# SPDX-License-Identifier: GPL-3.0-or-later
"""List recorded events, and follow new ones (podman events)."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any

from ...frozen import replace
from ...kernel.inotify import Watch
from ...model.engine.event_query import EventQuery
from ...model.engine.record import Event
from ...model.values.times import rfc3339
from ...state import events as rows
from .engine import Engine
from .outcome import Outcome


def events(engine: Engine, query: EventQuery) -> Outcome:
    """Return ``events``, oldest first, in the shape of ``podman events``."""
    return Outcome(result={"events": [event_shape(event) for event in found(engine, query)]})


def found(engine: Engine, query: EventQuery) -> tuple[Event, ...]:
    """Return the events that match the query, oldest first."""
    with engine.database.reading() as connection:
        return rows.find(connection, query)


def follow(engine: Engine, query: EventQuery) -> Iterator[Event]:
    """Yield the matching events, and then new ones as they are recorded, until ``query.until``; each once.

    Sleeps until any process changes the database. ``query.limit`` applies to past events only.
    """
    after = 0
    with Watch() as watch:
        watch.add(engine.layout.root)  # before the first query, so that no event is missed
        while True:
            now = time.time_ns()
            with engine.database.reading() as connection:
                come, after = rows.find(connection, query, after=after), rows.newest(connection)
            yield from come
            query = replace(query, limit=None)
            left = math.inf if query.until is None else (query.until - now) / 10**9
            if left <= 0:
                return
            watch.wait(left)


def event_shape(event: Event) -> dict[str, Any]:
    """Return an event with the keys of podman events, and its sequence number."""
    return {
        "Time": rfc3339(event.at),
        "Type": event.kind,
        "Status": event.action,
        "ID": event.id,
        "Name": event.name,
        "Attributes": dict(event.attributes),
        "seq": event.seq,
    }
