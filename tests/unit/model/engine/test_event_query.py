# SPDX-License-Identifier: GPL-3.0-or-later
"""Queries for events."""

from __future__ import annotations

import pytest

from _engine.errors import InvalidOption
from _engine.model.engine.event_query import EventQuery, limit, parse_filters
from _engine.model.engine.record import Event

DIED = Event(100, "container", "died", "ab" * 32, "web")
CASES = [
    ([], True),
    (["event=died"], True),
    (["event=start"], False),
    (["event=start", "event=died"], True),
    (["status=died"], True),
    (["type=container"], True),
    (["type=volume"], False),
    (["network=web"], False),
    (["container=web"], True),
    (["container=we"], False),
    (["container=abab"], False),
    (["container=" + "ab" * 6], True),
    (["container=" + "ab" * 32], True),
    (["container=" + "ab" * 7], False),
    (["container=ba"], False),
    (["volume=web"], False),
    (["container=web", "event=start"], False),
    (["container=other", "container=web", "event=died", "type=container"], True),
]


@pytest.mark.parametrize(("filters", "taken"), CASES)
def test_filters(filters, taken):
    """One filter per key must match; an object is identified by its name, its full ID, or the first 12 digits."""
    assert EventQuery(filters=parse_filters("f", filters)).takes(DIED) is taken


def test_an_image_is_found_with_and_without_its_algorithm():
    """An image's id may be written with or without ``sha256:``."""
    event = Event(1, "image", "load", "sha256:" + "cd" * 32, "localhost/app:1")
    for text in ("image=" + "cd" * 6, "image=sha256:" + "cd" * 32, "image=localhost/app:1"):
        assert EventQuery(filters=parse_filters("f", [text])).takes(event)


def test_a_network_is_found_by_its_name():
    """Networks have events."""
    event = Event(1, "network", "create", "ef" * 32, "app")
    assert EventQuery(filters=parse_filters("f", ["network=app", "type=network"])).takes(event)


@pytest.mark.parametrize(
    ("since", "until", "taken"), [(100, 100, True), (101, None, False), (0, 99, False), (0, None, True)]
)
def test_times_are_inclusive(since, until, taken):
    """Since and until are inclusive."""
    assert EventQuery(since, until).takes(DIED) is taken


@pytest.mark.parametrize("text", ["", "died", "event=", "=died", "label=x", "Event=died"])
def test_what_is_no_filter(text):
    """A filter that matches never or always is refused."""
    with pytest.raises(InvalidOption):
        parse_filters("filters", [text])


def test_limit():
    """A negative limit is refused."""
    assert [limit("limit", value) for value in (None, 0, 7)] == [None, 0, 7]
    with pytest.raises(InvalidOption):
        limit("limit", -1)
