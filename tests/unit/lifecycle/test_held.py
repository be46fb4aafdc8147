# SPDX-License-Identifier: GPL-3.0-or-later
"""What a container holds: the order in which it is acquired and released, and what each part adds to the result."""

from __future__ import annotations

import pytest

from _engine.lifecycle.info import shape
from _engine.lifecycle.resources import held
from _engine.lifecycle.resources.contract import Resource

#: The keys in ``timings``, as users know them.
STEPS = [
    "prepare",
    "connect_network",
    "mount_files",
    "mount_shm",
    "mount_rootfs",
    "mount_volumes",
    "prepare_mounts",
    "prepare",
]
#: First what runs, then what is mounted, those first that stand on others; volumes are others' too.
RELEASED = [
    "runtime",
    "cgroup",
    "mounts",
    "root file system",
    "shm",
    "files",
    "network",
    "namespaces",
    "monitor files",
    "exec sessions",
    "volumes",
]


def test_the_order_of_a_start():
    """What a start acquires is acquired in the order in which it stands on each other, under the keys that users know."""
    assert [one.step for one in held.HELD if one.step] == STEPS


def test_the_order_of_a_cleanup():
    """A cleanup releases in reverse what a start has acquired, and at the end what others may hold too."""
    assert [one.name for one in held.backwards()] == RELEASED
    assert [one.name for one in held.shared()] == ["volumes"]


#: What a shape has, what a resource adds, what comes of it.
PARTS = [
    ({}, {"a": 1}, {"a": 1}),
    ({"a": {"b": 1}}, {"a": {"c": 2}}, {"a": {"b": 1, "c": 2}}),
    ({"a": {"b": {"x": 1}}, "d": 3}, {"a": {"b": {"y": 2}}}, {"a": {"b": {"x": 1, "y": 2}}, "d": 3}),
    ({"a": None}, {"a": {"b": 1}}, {"a": {"b": 1}}),
    ({"a": [1]}, {"a": [2]}, {"a": [2]}),
]


@pytest.mark.parametrize(("whole", "part", "wanted"), PARTS)
def test_a_resource_adds_its_part(container, layout, monkeypatch, whole, part, wanted):
    """What resources add stands beside what is there, also in the mappings inside; nothing is altered in place."""

    class _First(Resource):
        def inspect(self, _known):
            return {"Own": whole}

    class _Second(Resource):
        def inspect(self, _known):
            return {"Own": part}

    monkeypatch.setattr(held, "HELD", (_First(), _Second()))
    before = repr(whole)
    assert shape.container_shape(container(), None, layout)["Own"] == wanted
    assert repr(whole) == before
