# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep the newest events."""

from __future__ import annotations

import sqlite3

from ..model.record import Event
from .columns import decoding, dump, load

#: Some weeks of a busy host; at about 250 bytes each they add 2 ms to a snapshot.
KEPT = 10_000


def add(connection: sqlite3.Connection, event: Event) -> None:
    """Add an event and drop what is beyond the newest ``KEPT``."""
    seq = connection.execute(
        "INSERT INTO events (at, kind, action, id, name, attributes) VALUES (?, ?, ?, ?, ?, ?)",
        (event.at, event.kind, event.action, event.id, event.name, dump(event.attributes)),
    ).lastrowid
    # AUTOINCREMENT numbers without gaps, so this is a range of the key: one row as a rule.
    connection.execute("DELETE FROM events WHERE seq <= ? - ?", (seq, KEPT))


def read(connection: sqlite3.Connection, *, since: int = 0, limit: int = KEPT) -> tuple[Event, ...]:
    """Return the newest ``limit`` events, oldest first, from ``since`` (nanoseconds since the epoch) on."""
    rows = connection.execute(
        "SELECT seq, at, kind, action, id, name, attributes FROM events WHERE at >= ? "
        "ORDER BY seq DESC LIMIT ?",
        (since, limit),
    ).fetchall()
    return tuple(_event(row) for row in reversed(rows))


def _event(row: sqlite3.Row) -> Event:
    with decoding("events", row):
        return Event(row["at"], row["kind"], row["action"], row["id"], row["name"], load(row["attributes"]))
