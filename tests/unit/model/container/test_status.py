# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of states."""

from __future__ import annotations

import itertools

import pytest

from _engine.model.container import status
from _engine.model.container.status import MOVES, may_move

WORDS = "configured created running paused stopped exited removing unknown".split()
ALLOWED = {
    "configured": "created running exited removing",
    "created": "running stopped configured exited removing",
    "running": "paused stopped exited unknown removing",
    "paused": "running stopped exited unknown removing",
    "stopped": "configured created running exited removing",
    "exited": "created running removing",
    "unknown": "running stopped exited removing",
    "removing": "",
}


def test_the_table_is_closed():
    """Each state has a row, and transitions lead to states in the table."""
    assert set(MOVES) == set(WORDS)
    assert set().union(*MOVES.values()) <= set(MOVES)


@pytest.mark.parametrize(("before", "after"), [*itertools.product(WORDS, WORDS)])
def test_moves(before, after):
    """A transition is allowed if it is in the table; staying is always allowed."""
    assert may_move(before, after) == (before == after or after in ALLOWED[before].split())


def test_every_state_can_be_left_but_the_last():
    """A container can be removed in each state, and nothing leads back."""
    assert [before for before in WORDS if not may_move(before, "removing")] == []
    assert MOVES["removing"] == frozenset()


def test_groups():
    """States that are alive are claims, and not startable."""
    assert {"running", "paused"} == status.ALIVE
    assert status.ALIVE < status.CLAIMS
    assert not status.ALIVE & status.STARTABLE
    assert {before for before in WORDS if may_move(before, "running")} >= status.STARTABLE
