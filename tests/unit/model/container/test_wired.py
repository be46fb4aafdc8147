# SPDX-License-Identifier: GPL-3.0-or-later
"""Live changes of a container's networks, and removing a network from a spec."""

from __future__ import annotations

import pytest

from _engine.model.container import networks, wired
from _engine.model.container.spec import ContainerSpec
from _engine.plan.diff import differences


def spec(**options) -> ContainerSpec:
    """Return a spec with these options."""
    return ContainerSpec.parse({"name": "web", "image": "localhost/a:1", **options})


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        ({}, {"network": ["a"]}, "live"),
        ({"network": ["a"]}, {"network": ["a:alias=db", "b"]}, "live"),
        ({"network": ["a"]}, {"network": ["none"]}, "recreate"),
        ({"network": ["host"]}, {"network": ["a"]}, "recreate"),
        ({"network": ["host"]}, {"network": ["container:x"]}, "recreate"),
        ({}, {"publish": ["8080:80"]}, "live"),
        ({}, {"ip": "10.88.0.9"}, "live"),
    ],
)
def test_what_a_change_needs(before, after, change):
    """Networks and ports change live while the container has its own network namespace."""
    before, after = spec(**before), spec(**after)
    assert [one.change for one in differences(before, after)] == [change]
    assert wired.differs(before, after)
    assert wired.rewired(before, after) == after


def test_only_networks_are_taken_over():
    """Other options are not changed."""
    before, after = spec(env={"A": "1"}), spec(env={"A": "2"}, network=["a"], publish=["80"])
    found = wired.rewired(before, after)
    assert (found.env, found.network, found.publish) == ({"A": "1"}, ("a",), after.publish)
    assert not wired.differs(before, spec(env={"A": "2"}))


FIRST = {"ip": "10.1.0.9", "mac_address": "02:00:00:00:00:01"}
REST = {"publish": ["80"], "network_aliases": ["www"]}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"network": ["a", "b:alias=x"], **FIRST, **REST}, {"network": ["a"], **FIRST, **REST}),
        ({"network": ["b:alias=x", "a"], **FIRST, **REST}, {"network": ["a"], **REST}),
        ({"network": ["b"], **FIRST, **REST, "publish_all": True}, {"network": ["none"]}),
        ({"network": ["c" * 12, "slipway"]}, {}),
        ({"network": ["a"]}, {"network": ["a"]}),
    ],
)
def test_without_a_network(before, after):
    """A network's requests are removed with it; those for the first with the first, ports with the last."""
    assert networks.without(spec(**before), {"b", "c" * 64, "c" * 12}) == spec(**after)
