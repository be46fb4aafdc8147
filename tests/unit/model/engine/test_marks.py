# SPDX-License-Identifier: GPL-3.0-or-later
"""The marks of a container."""

from __future__ import annotations

import json

import pytest

from _engine.frozen import replace
from _engine.model.container.spec import ContainerSpec
from _engine.model.engine.marks import encode_marks, marked
from _engine.model.engine.record import ContainerRecord

USUAL = ContainerRecord("1f0a" * 16, ContainerSpec(name="web", image="app"), created=5)
KEPT = [
    {"start_pending": True, "stopped_by_user": True},
    {"stopped_by_user": True},
    {"interrupted": True},
    {"restart_count": 3, "crashes": 2},
    {"checkpointed": 7},
    {"checkpointed": 7, "finished": 7},
]


@pytest.mark.parametrize("changes", KEPT)
def test_marks_are_read_as_they_were_written(changes):
    """Marks survive storing; counts only within a boot."""
    record = replace(USUAL, **changes)
    text = json.loads(json.dumps(encode_marks(record, "b1")))
    assert marked(USUAL, text, "b1") == record
    assert marked(USUAL, text, "b2") == replace(record, restart_count=0, crashes=0)


def test_a_usual_container_has_none():
    """A container that runs, or exited by itself, has no marks."""
    for changes in (
        {},
        {"status": "running", "started": 6},
        {"status": "exited", "finished": 8, "exit_code": 1},
    ):
        assert encode_marks(replace(USUAL, **changes), "b1") == {}


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"form": 2, "boot": "b1"},
        {"form": 1},
        {"form": 1, "boot": "b1", "start_pending": "yes"},
        {"form": 1, "boot": "b1", "checkpointed": True},
        {"form": 1, "boot": "b1", "crashes": "2"},
        {"form": 1, "boot": "b1", "ended_in_checkpoint": True},
    ],
)
def test_what_can_not_be_read_is_told(data):
    """Invalid marks raise one of the expected errors."""
    with pytest.raises((ValueError, KeyError, TypeError)):
        marked(USUAL, data, "b1")
