# SPDX-License-Identifier: GPL-3.0-or-later
"""Store the newest events."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from itertools import islice

from ..model.engine.event_query import EventQuery
from ..model.engine.record import Event
from .columns import check, decoding, dump, load_texts

#: Number of events kept: some weeks of a busy host. At about 250 bytes each, they add 2 ms to a snapshot.
KEPT = 10_000


def add(connection: sqlite3.Connection, event: Event) -> None:
    """Add an event, and delete all but the newest ``KEPT``."""
    seq = connection.execute(
        "INSERT INTO events (at, kind, action, id, name, attributes) VALUES (?, ?, ?, ?, ?, ?)",
        (event.at, event.kind, event.action, event.id, event.name, dump(event.attributes)),
    ).lastrowid
    # AUTOINCREMENT leaves no gaps, so this is a range of keys, usually a single row.
    connection.execute("DELETE FROM events WHERE seq <= ? - ?", (seq, KEPT))


def read(connection: sqlite3.Connection, *, since: int = 0, limit: int = KEPT) -> tuple[Event, ...]:
    """Return the newest ``limit`` events since ``since`` (nanoseconds since the epoch), oldest first."""
    return find(connection, EventQuery(since=since, limit=limit))


def find(connection: sqlite3.Connection, query: EventQuery, *, after: int = 0) -> tuple[Event, ...]:
    """Return the events that match the query and are newer than number ``after``, oldest first."""
    taken = (event for event in _newest_first(connection, after) if query.takes(event))
    return tuple(islice(taken, query.limit))[::-1]


def newest(connection: sqlite3.Connection) -> int:
    """Return the number of the newest event, 0 before the first."""
    return int(connection.execute("SELECT coalesce(max(seq), 0) FROM events").fetchone()[0])


def _newest_first(connection: sqlite3.Connection, after: int) -> Iterator[Event]:
    # Ordered by key, because the clock may be set back.
    yield from map(
        _event, connection.execute("SELECT * FROM events WHERE seq > ? ORDER BY seq DESC", (after,))
    )


def _event(row: sqlite3.Row) -> Event:
    with decoding("events", row):
        check(row, texts="kind action id name attributes", integers="seq at")
        attributes = load_texts(row["attributes"])
        return Event(row["at"], row["kind"], row["action"], row["id"], row["name"], attributes, row["seq"])
