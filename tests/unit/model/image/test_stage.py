# SPDX-License-Identifier: GPL-3.0-or-later
"""The identity of a build stage: its parent and its key."""

from __future__ import annotations

from itertools import combinations

import pytest

from _engine.errors import InvalidOption
from _engine.model.image import stage

KEYS = ["a", ["a"], {"a": 1}, {"a": "1"}, 1, True, ["a", "b"], ["b", "a"], "a b", "ä"]


def test_each_key_is_another_stage():
    """Keys with other types, values and orders differ, and so does the same key on another parent."""
    found = [stage.digest("sha256:1", key) for key in KEYS]
    for one, other in combinations(found, 2):
        assert one != other
    assert stage.digest("2", "a") != stage.digest("1", "a") == found[0]


def test_a_mapping_has_no_order():
    """The order of keys in a mapping is insignificant."""
    assert stage.digest("1", {"a": 1, "b": 2}) == stage.digest("1", {"b": 2, "a": 1})


def test_the_key_is_not_told():
    """A label does not reveal the key."""
    assert "secret" not in stage.digest("1", "secret")


@pytest.mark.parametrize("key", [None, "", [], {}])
def test_an_empty_key_is_refused(key):
    """An empty key is refused: it is probably a failed lookup."""
    with pytest.raises(InvalidOption, match="cache_key"):
        stage.check_key("cache_key", key)
