# SPDX-License-Identifier: GPL-3.0-or-later
"""A container's resources: the order of acquisition and release, and their parts of the result."""

from __future__ import annotations

import pytest

from _engine.lifecycle.info import shape
from _engine.lifecycle.resources import held
from _engine.lifecycle.resources.contract import Resource

#: The documented keys of ``timings``.
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
#: Processes first, then mounts, the topmost first; volumes, which others may share, come last.
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
    """A start acquires resources in order of dependency, with the documented keys of ``timings``."""
    assert [one.step for one in held.HELD if one.step] == STEPS


def test_the_order_of_a_cleanup():
    """A cleanup releases in reverse order, and last the resources that other containers may share."""
    assert [one.name for one in held.backwards()] == RELEASED
    assert [one.name for one in held.shared()] == ["volumes"]


#: A shape, a resource's part, and the result.
PARTS = [
    ({}, {"a": 1}, {"a": 1}),
    ({"a": {"b": 1}}, {"a": {"c": 2}}, {"a": {"b": 1, "c": 2}}),
    ({"a": {"b": {"x": 1}}, "d": 3}, {"a": {"b": {"y": 2}}}, {"a": {"b": {"x": 1, "y": 2}}, "d": 3}),
    ({"a": None}, {"a": {"b": 1}}, {"a": {"b": 1}}),
    ({"a": [1]}, {"a": [2]}, {"a": [2]}),
]


@pytest.mark.parametrize(("whole", "part", "wanted"), PARTS)
def test_a_resource_adds_its_part(container, layout, monkeypatch, whole, part, wanted):
    """A resource's keys are merged into the shape, also in nested mappings; nothing is changed in place."""

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
