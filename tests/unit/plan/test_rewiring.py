# SPDX-License-Identifier: GPL-3.0-or-later
"""Interfaces that are removed, added or rerouted when a container's networks change."""

from __future__ import annotations

import pytest

from _engine.frozen import replace
from _engine.model.network.spec import NetworkRecord, NetworkSpec, Route, Subnet
from _engine.model.network.wiring import Attachment
from _engine.plan.rewiring import rewiring


def plug(name: str, **changes):
    """Return an interface in a network of this name."""
    network = NetworkRecord(name * 64, NetworkSpec(name), f"sw-{name}", (Subnet("10.1.0.0/24"),), 0)
    mac, addresses, gateways = "02:00:00:00:00:01", ("10.1.0.2/24",), ("10.1.0.1",)
    return network, Attachment(network.id, "eth0", f"sw{name}", mac, addresses, gateways)._replace(**changes)


def of(plugs) -> str:
    """Return the networks of interfaces."""
    return "".join(network.name for network, _plug in plugs)


A, B, C = map(plug, "abc")
REMADE = (replace(A[0], subnets=(Subnet("10.2.0.0/24"),)), A[1])
LABELLED = (replace(A[0], spec=replace(A[0].spec, labels={"a": "b"})), A[1])


@pytest.mark.parametrize(
    ("before", "after", "gone", "new", "rerouted"),
    [
        ((A,), (A,), "", "", ""),
        ((A, B), (B, A), "", "", ""),
        ((A,), (A, B), "", "b", ""),
        ((A, B), (B,), "a", "", ""),
        ((A, B), (B, C), "a", "c", ""),
        ((), (A,), "", "a", ""),
        ((A,), (), "a", "", ""),
        ((A, B), (plug("a", addresses=("10.1.0.3/24",)), B), "a", "a", ""),
        ((A,), (plug("a", mac="02:00:00:00:00:02"),), "a", "a", ""),
        ((A,), (plug("a", interface="net0"),), "a", "a", ""),
        ((A,), (plug("a", host_interface="swx"),), "a", "a", ""),
        ((A,), (plug("a", mtu=1400),), "a", "a", ""),
        ((A,), (plug("a", gateways=()),), "", "", "a"),
        ((A, B), (plug("a", metric=7), B), "", "", "a"),
        ((A,), (plug("a", routes=(Route("10.9.0.0/16", "10.1.0.1"),)),), "", "", "a"),
        ((A, B), (plug("a", gateways=(), mtu=1400), plug("b", gateways=())), "a", "a", "b"),
        ((A,), (REMADE,), "a", "a", ""),
        ((A,), (LABELLED,), "", "", ""),
    ],
)
def test_what_is_done(before, after, gone, new, rerouted):
    """Changed interfaces are replaced; if only routes differ, they change; unchanged interfaces are not touched."""
    found = rewiring(before, after)
    assert (of(found.gone), of(found.new)) == (gone, new)
    assert "".join(after.network_id[0] for _before, after in found.rerouted) == rerouted
