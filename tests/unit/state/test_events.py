# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from _engine.model.engine.record import Event
from _engine.state import events


def event(at):
    """Return an event of this time."""
    return Event(at, "container", "died", "a" * 64, "web", {"exitCode": "137"})


def test_events_come_back_in_order(connection):
    """Events are returned oldest first, in the order of insertion, regardless of the clock."""
    added = tuple(event(at) for at in (5, 3, 9))
    for one in added:
        events.add(connection, one)
    assert events.read(connection) == added


def test_since_and_limit(connection):
    """``since`` is inclusive, and ``limit`` keeps the newest."""
    for at in range(10):
        events.add(connection, event(at))
    assert [one.at for one in events.read(connection, since=6)] == [6, 7, 8, 9]
    assert [one.at for one in events.read(connection, since=2, limit=3)] == [7, 8, 9]


def test_only_the_newest_are_kept(connection, monkeypatch):
    """The table is bounded: each further event deletes the oldest."""
    monkeypatch.setattr(events, "KEPT", 20)
    for at in range(50):
        events.add(connection, event(at))
    assert connection.execute("SELECT count(*) FROM events").fetchone()[0] == 20
    assert [one.at for one in events.read(connection)] == list(range(30, 50))
