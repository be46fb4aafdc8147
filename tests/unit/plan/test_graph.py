# SPDX-License-Identifier: GPL-3.0-or-later
"""Ordering by dependencies, and cycles."""

from __future__ import annotations

import random

import pytest

from _engine.plan.graph import cycle, order, turned

#: wanted, needs (one: what it needs), the order.
ORDERS = (
    ("", {}, ""),
    ("a", {}, "a"),
    ("ba", {}, "ba"),
    ("a", {"a": "b"}, "ba"),
    ("a", {"a": "b", "b": "c"}, "cba"),
    ("ab", {"a": "b"}, "ba"),
    ("ba", {"a": "b"}, "ba"),
    ("d", {"d": "bc", "b": "a", "c": "a"}, "abcd"),
    ("dx", {"d": "cb", "b": "a", "c": "a", "x": "c"}, "abcdx"),
)
CYCLES = (
    ("a", {}, ""),
    ("a", {"a": "b"}, ""),
    ("a", {"a": "a"}, "aa"),
    ("a", {"a": "b", "b": "a"}, "aba"),
    ("a", {"a": "b", "b": "c", "c": "a"}, "abca"),
    ("a", {"a": "bc", "b": "x", "x": "c", "c": "a"}, "aca"),
    # A cycle that it only leads to is not its own.
    ("a", {"a": "b", "b": "c", "c": "b"}, ""),
)


@pytest.mark.parametrize(("wanted", "needs", "expected"), ORDERS)
def test_order(wanted, needs, expected):
    """Each item comes once, after its dependencies, otherwise in the given order."""
    assert "".join(order(wanted, needs)) == expected


@pytest.mark.parametrize(("start", "needs", "expected"), CYCLES)
def test_cycle(start, needs, expected):
    """The shortest cycle is returned, with both ends."""
    assert "".join(cycle(start, needs)) == expected


def test_any_graph():
    """In an acyclic graph, each item comes after all its dependencies."""
    chance = random.Random(7)
    for _round in range(200):
        names = [f"n{number:02}" for number in range(chance.randrange(1, 30))]
        needs = {
            name: chance.sample(names[:place], chance.randrange(0, min(place, 4) + 1))
            for place, name in enumerate(names)
        }
        chance.shuffle(names)
        found = order(names, needs)
        assert sorted(found) == sorted(names)
        assert all(found.index(below) < found.index(one) for one in names for below in needs[one])


def test_a_long_chain():
    """A chain that is longer than Python's stack can be ordered."""
    needs = {str(number): [str(number + 1)] for number in range(50_000)}
    assert order(["0"], needs)[0] == "50000"
    assert cycle("0", {**needs, "50000": ["0"]})[-1] == "0"


def test_turned():
    """The inverse mapping has the dependents of each item."""
    assert turned({"a": "bc", "b": "c"}) == {"b": {"a"}, "c": {"a", "b"}}
