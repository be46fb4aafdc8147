# SPDX-License-Identifier: GPL-3.0-or-later
"""Composition of two mappings of IDs."""

from __future__ import annotations

import random

from _engine.model.values.idmap import OVERFLOW, IdMap, parse_ranges


def mapping(*ranges: str) -> IdMap:
    """Return a map with these ranges for both kinds."""
    parsed = parse_ranges("uidmap", ranges)
    return IdMap(parsed, parsed)


def test_one_after_the_other():
    """Ranges are split at the boundaries of the second mapping; IDs that one of them lacks are unmapped."""
    first, second = mapping("0:100:10", "50:300:5"), mapping("95:0:8", "108:1000:1", "300:7000:100")
    both = first.then(second)
    assert [item.text() for item in both.uids] == ["0:5:3", "8:1000:1", "50:7000:5"]


def test_it_is_what_both_do():
    """The composition maps each ID like the two mappings in sequence."""
    chance = random.Random(4)
    for _round in range(50):
        maps = [
            mapping(
                *(
                    f"{at * 20}:{to * 20}:{chance.randint(1, 20)}"
                    for at, to in zip(range(5), chance.sample(range(5), 5))
                )
            )
            for _which in range(2)
        ]
        both = maps[0].then(maps[1])
        for number in range(110):
            between = maps[0].host(number, number)
            wanted = maps[1].host(*between)
            assert both.host(number, number) == wanted or OVERFLOW in between


def test_an_inverse_leads_back():
    """A mapping and its inverse compose to the identity."""
    one = mapping("0:100000:65536")
    assert [item.text() for item in one.then(one.inverse()).uids] == ["0:0:65536"]
