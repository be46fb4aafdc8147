# SPDX-License-Identifier: GPL-3.0-or-later
"""Chosen subnets are free, and a subnet in use is refused with its owner."""

from __future__ import annotations

import pytest

from _engine.model.network.spec import NetworkRecord, NetworkSpec, Subnet
from _engine.plan.subnets import HostRoute, SubnetInUse, Taken, choose, refuse_clash

ID = "0123456789abcdef" * 4
DEFAULT = HostRoute("0.0.0.0/0", "eth0", "192.0.2.1")
BOTH = NetworkSpec("n", ipv6=True)


def network(name: str, *subnets: str, interface: str = "", **spec) -> NetworkRecord:
    """Return a network with these subnets."""
    nets = tuple(Subnet(text) for text in subnets)
    return NetworkRecord(name * 64, NetworkSpec(name, **spec), interface or f"sw-{name}", nets, 1)


def chosen(taken: Taken, spec: NetworkSpec | None = None, **more) -> list[str]:
    """Return the subnets of a new network."""
    return [subnet.subnet for subnet in choose(spec or NetworkSpec("n"), ID, taken, **more)]


@pytest.mark.parametrize(
    ("taken", "subnet"),
    [
        (Taken(), "10.89.0.0/24"),
        (Taken(routes=(DEFAULT,)), "10.89.0.0/24"),
        (Taken((network("a", "10.89.0.0/24"), network("b", "10.89.1.0/24"))), "10.89.2.0/24"),
        (Taken((network("a", "10.89.1.0/24"),)), "10.89.0.0/24"),
        (Taken((network("a", "10.89.0.128/25"),)), "10.89.1.0/24"),
        (Taken((network("a", "10.88.0.0/16"),)), "10.89.0.0/24"),
        (Taken(routes=(HostRoute("10.89.0.0/16", "eth1"),)), "10.90.0.0/24"),
        (Taken(routes=(HostRoute("10.89.0.7/32", "eth1", "192.0.2.1"),)), "10.89.1.0/24"),
        (Taken(routes=(HostRoute("10.0.0.0/8", "vpn", "192.0.2.1"),)), "172.16.0.0/24"),
        (
            Taken(routes=(HostRoute("10.0.0.0/8", "a"), HostRoute("172.16.0.0/12", "b"))),
            "192.168.0.0/24",
        ),
        (Taken((network("a", "fd00::/64"),)), "10.89.0.0/24"),
        (Taken((network("a", "10.89.0.0/24", driver="macvlan"),)), "10.89.1.0/24"),
    ],
)
def test_a_subnet_is_chosen_clear_of_all(taken, subnet):
    """The first free /24 of podman's pools is chosen, without overlap with networks and routes except the default route."""
    assert chosen(taken) == [subnet]


def test_a_network_does_not_stand_in_its_own_way():
    """The route of a network's own bridge belongs to the network, and does not count as one of the host."""
    mine = network("a", "10.89.0.0/24", interface="br0")
    taken = Taken((mine,), (HostRoute("10.89.0.0/24", "br0"),), frozenset({"br0", "lo"}))
    assert chosen(taken) == ["10.89.1.0/24"]
    assert taken.without(mine) == Taken(interfaces=frozenset({"lo"}))
    assert chosen(taken.without(mine)) == ["10.89.0.0/24"]


def test_what_is_missing_is_chosen():
    """A subnet is chosen for each IP version without one, with the first address as gateway."""
    six = "fd01:2345:6789:abcd::/64"
    assert choose(BOTH, ID, Taken()) == (Subnet("10.89.0.0/24", "10.89.0.1"), Subnet(six, f"{six[:-3]}1"))
    named = NetworkSpec("n", ipv6=True, subnets=(Subnet("fd00::/64", "fd00::1"),))
    assert chosen(Taken(), named) == ["fd00::/64", "10.89.0.0/24"]
    assert chosen(Taken(), NetworkSpec("n", ipam_driver="none")) == []


def test_another_prefix_is_made_of_the_same_id():
    """If an ID's first prefix is taken, the next digits are used."""
    taken = Taken((network("a", "fd01:2345:6789:abcd::/64"),))
    assert chosen(taken, BOTH)[1] == "fdef:123:4567:89ab::/64"


@pytest.mark.parametrize(
    ("taken", "subnet"),
    [
        (Taken(), "10.88.0.0/16"),
        (Taken((network("a", "10.88.3.0/24"),)), "10.89.0.0/24"),
    ],
)
def test_a_preferred_subnet_is_taken_if_it_is_clear(taken, subnet):
    """Preferred subnets are used before the pools if they are free."""
    assert chosen(taken, prefer=(Subnet("10.88.0.0/16"),)) == [subnet]


def test_no_subnet_is_free():
    """If all private ranges are taken, the error says so, and asks for a subnet."""
    spans = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
    with pytest.raises(SubnetInUse, match="no IPv4 subnet is free") as caught:
        chosen(Taken(routes=tuple(HostRoute(span, "eth0") for span in spans)))
    assert "Name a subnet" in caught.value.remedy


@pytest.mark.parametrize(
    ("subnet", "taken", "fields"),
    [
        ("10.1.0.0/24", Taken((network("a", "10.1.0.128/25"),)), {"network": "a"}),
        ("10.1.0.0/24", Taken(routes=(HostRoute("10.1.0.0/24", "eth0"),)), {"route": "10.1.0.0/24 dev eth0"}),
        ("10.1.0.0/24", Taken(routes=(HostRoute("10.0.0.0/8", "eth0"),)), {"route": "10.0.0.0/8 dev eth0"}),
        (
            "10.1.0.0/24",
            Taken(routes=(HostRoute("10.1.0.0/25", "vpn", "192.0.2.1"),)),
            {"route": "10.1.0.0/25 via 192.0.2.1 dev vpn"},
        ),
        ("10.1.0.0/24", Taken(routes=(HostRoute("10.0.0.0/8", "vpn", "192.0.2.1"), DEFAULT)), None),
        ("10.1.0.0/24", Taken((network("a", "10.1.0.0/24", driver="macvlan"),)), None),
        ("fd00::/64", Taken((network("a", "10.1.0.0/24"),)), None),
    ],
)
def test_a_subnet_of_somebody_is_refused(subnet, taken, fields):
    """The error names the network or the route; a subnet within a wider route to a gateway is allowed."""
    if fields is None:
        refuse_clash(NetworkSpec("n"), subnet, taken)
        return
    with pytest.raises(SubnetInUse, match="|".join(fields.values())) as caught:
        refuse_clash(NetworkSpec("n"), subnet, taken)
    assert caught.value.fields == {"subnet": subnet, **fields}


def test_the_subnet_of_somebody_elses_bridge_is_that_bridges():
    """The route of an unmanaged bridge does not conflict with its subnet."""
    spec = NetworkSpec("n", interface="br0", options={"mode": "unmanaged"})
    refuse_clash(spec, "10.1.0.0/24", Taken(routes=(HostRoute("10.1.0.0/24", "br0"),)))
    with pytest.raises(SubnetInUse):
        refuse_clash(spec, "10.1.0.0/24", Taken(routes=(HostRoute("10.1.0.0/24", "br1"),)))


@pytest.mark.parametrize("driver", ["macvlan", "ipvlan"])
def test_a_network_on_a_parent_has_the_subnet_of_the_host(driver):
    """With macvlan and ipvlan, the subnet may be the host's own."""
    spec = NetworkSpec("n", driver, subnets=(Subnet("10.1.0.0/24"),))
    assert chosen(Taken(routes=(HostRoute("10.1.0.0/24", "eth0"),)), spec) == ["10.1.0.0/24"]
