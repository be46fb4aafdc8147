# SPDX-License-Identifier: GPL-3.0-or-later
"""Add addresses, routes and neighbours to interfaces."""

from __future__ import annotations

import pytest

from _engine.kernel.net import addresses, links, netns, sysctl
from _engine.kernel.net.addresses import Address, Route
from _engine.kernel.net.netlink import Netlink
from enginehost import eventually


@pytest.fixture
def inside(other, pair):
    """Return a socket in the namespace of ``eth0``."""
    with Netlink(other) as inside:
        yield inside


def globally(inside, index: int) -> list[Address]:
    """Return the addresses of an interface, except link-local ones."""
    return [item for item in addresses.listed(inside, index) if not item.address.startswith("fe80:")]


def test_an_address_is_ready_at_once(inside, pair):
    """Addresses of both versions are usable at once, not tentative; adding them again is fine."""
    wanted = [addresses.add(pair.ifindex, address) for address in ("10.1.0.2/24", "fd00::2/64")]
    inside.batch(wanted * 2)
    assert globally(inside, pair.ifindex) == [
        Address(pair.ifindex, "10.1.0.2/24", tentative=False, clash=False),
        Address(pair.ifindex, "fd00::2/64", tentative=False, clash=False),
    ]


def test_an_address_is_taken_away(inside, pair):
    """An address is removed, and removing it again is not an error."""
    inside.ask(addresses.add(pair.ifindex, "10.1.0.2/24"))
    inside.batch([addresses.remove(pair.ifindex, "10.1.0.2/24")] * 2)
    assert globally(inside, pair.ifindex) == []


@pytest.mark.parametrize(
    ("address", "gateway", "everything"),
    [("10.1.0.2/24", "10.1.0.1", "0.0.0.0/0"), ("fd00::2/64", "fd00::1", "::/0")],
)
def test_a_route_has_a_metric(inside, pair, address, gateway, everything):
    """A route is added next to one with another metric; adding it again is fine, and it is removed."""
    inside.ask(addresses.add(pair.ifindex, address))
    before = addresses.routes(inside)
    inside.batch([addresses.add_route(pair.ifindex, everything, gateway, metric) for metric in (100, 100, 7)])
    made = [Route(pair.ifindex, everything, gateway, metric) for metric in (7, 100)]
    assert {*addresses.routes(inside)} - {*before} == {*made}
    inside.batch([addresses.remove_route(*route) for route in made * 2])
    assert addresses.routes(inside) == before


def test_a_route_without_a_gateway_is_on_the_link(inside, pair):
    """A destination without a gateway is reached on the link."""
    inside.ask(addresses.add_route(pair.ifindex, "10.5.0.0/16"))
    assert Route(pair.ifindex, "10.5.0.0/16", "", 0) in addresses.routes(inside)


def test_the_link_address_is_waited_for(other, inside, pair):
    """The kernel's link-local address is tentative first; after the wait, no address is."""
    eventually(lambda: addresses.listed(inside, pair.ifindex), "the address of the link")
    assert any(item.tentative for item in addresses.listed(inside, pair.ifindex))
    addresses.settle(inside, pair.ifindex, timeout=20)
    assert not any(item.tentative for item in addresses.listed(inside, pair.ifindex))


def test_an_address_that_another_has_is_told(space, other, inside, netlink, pair):
    """Waiting for an address that another host on the link has raises an error with its name."""
    (bridge,) = links.find(netlink, "br")
    netlink.ask(addresses.add(bridge.ifindex, "fd00::9/64"))
    asked = addresses.add(pair.ifindex, "fd00::9/64")
    nodad = addresses.attribute(8, 2)
    inside.ask(asked._replace(body=asked.body.replace(nodad, addresses.attribute(8, 0))))
    with pytest.raises(OSError, match=r"another host has this address.*fd00::9/64"):
        addresses.settle(inside, pair.ifindex, timeout=20)


def test_a_neighbour_is_said_for_good(inside, pair):
    """A neighbour's MAC is set, replaced and removed."""
    for mac in ("02:00:00:00:00:08", "02:00:00:00:00:09"):
        inside.ask(addresses.add_neighbour(pair.ifindex, "10.1.0.9", mac))
        assert addresses.neighbours(inside, pair.ifindex)["10.1.0.9"] == mac
    inside.batch([addresses.remove_neighbour(pair.ifindex, "10.1.0.9")] * 2)
    assert "10.1.0.9" not in addresses.neighbours(inside, pair.ifindex)


def test_a_parameter_is_set_where_it_differs(other):
    """A parameter is set once and the change returned; a missing parameter is ignored."""
    name = sysctl.of_interface(4, "lo", "route_localnet")

    def act() -> list:
        return [sysctl.ensure(name, "1"), sysctl.ensure(name, "1"), sysctl.read(name)]

    assert netns.call(other, act) == [(name, "0", "1"), None, "1"]
    assert sysctl.ensure("net/ipv4/conf/none/route_localnet", "1") is None
    assert sysctl.read("net/ipv4/conf/none/route_localnet") is None


@pytest.mark.parametrize("name", ["", ".", "..", "../../kernel", "a/b"])
def test_a_name_that_leads_elsewhere_is_no_interface(name):
    """Impossible interface names are refused before they become part of a path."""
    with pytest.raises(ValueError, match="not a valid name of a network interface"):
        sysctl.of_interface(4, name, "forwarding")
