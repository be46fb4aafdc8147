# SPDX-License-Identifier: GPL-3.0-or-later
"""Bridges, and containers attached to them."""

from __future__ import annotations

import itertools

import pytest

from _engine.errors import HostLacks, NameInUse, NotFound
from _engine.frozen import replace
from _engine.kernel.net import addresses, links, netns, sysctl
from _engine.kernel.net.netlink import Netlink
from _engine.model.network.spec import Route, Subnet
from _engine.network import bridge
from enginehost import eventually
from netlab import OUTSIDE4, attachment, plain, record

NUMBERS = itertools.count(1)


@pytest.fixture
def network(lab):
    """Return a network for a test, whose bridge is removed after the test."""
    network = record("net", next(NUMBERS))
    lab.host(bridge.ensure, network)
    yield network
    lab.host(bridge.remove, network)


@pytest.fixture
def container(lab, network):
    """Return the path of a new namespace for a container."""
    path = lab.add(f"c{network.id[:8]}")
    yield path
    netns.unpin(path)


def inside(path: str) -> dict[str, object]:
    """Return the links, addresses and routes in a container, except those of the link, which appear asynchronously."""
    with Netlink(path) as netlink:
        listed = [item for item in addresses.listed(netlink) if item.ifindex != 1]
        return {
            "links": links.listed(netlink),
            "addresses": [item for item in listed if not item.address.startswith("fe80:")],
            "routes": [
                route for route in addresses.routes(netlink) if not route.destination.startswith("fe80:")
            ],
        }


def of_link(path: str) -> list[addresses.Address]:
    """Return the addresses that the kernel created for the links of a container."""
    with Netlink(path) as netlink:
        return [item for item in addresses.listed(netlink) if item.address.startswith("fe80:")]


def test_a_bridge_has_the_gateways(lab, network):
    """A bridge is created up, with the gateways' addresses, and ensuring it again changes nothing."""
    found = lab.host(bridge.observe, network)
    gateways = ("10.99.{}.1/24", "fd99:{}::1/64")
    number = int(network.id[:8], 16)
    assert found == bridge.Bridge(True, True, 1500, tuple(one.format(number) for one in gateways), ())
    assert lab.host(bridge.ensure, network) == ()
    assert lab.host(bridge.observe, network) == found


def test_what_a_bridge_lacks_is_mended(lab, network):
    """A bridge that is down, without its addresses and with another MTU, is repaired."""
    before = lab.host(bridge.observe, network)
    with Netlink(lab.path("host")) as netlink:
        (link,) = links.find(netlink, network.interface)
        netlink.batch([addresses.remove(link.ifindex, address) for address in before.addresses])
        netlink.ask(links.change(link, up=False))
    lab.host(bridge.ensure, network)
    assert lab.host(bridge.observe, network) == before


def test_parameters_that_were_changed_are_told(lab):
    """The first network that is not internal enables forwarding, and reports the change once."""
    network = record("told", 200)
    names = ("net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding", "net/ipv6/conf/up0/accept_ra")
    for name, value in zip(names, "001"):
        lab.host(sysctl.ensure, name, value)
    changed = lab.host(bridge.ensure, network)
    assert {(item.name, item.before, item.after) for item in changed} >= {
        (names[0], "0", "1"),
        (names[1], "0", "1"),
        (names[2], "1", "2"),
    }
    assert lab.host(bridge.ensure, network) == ()
    lab.host(bridge.remove, network)


def test_an_internal_network_switches_nothing_on(lab):
    """An internal network does not change the host's forwarding, and disables it on its bridge."""
    network = record("closed", 201, internal=True)
    lab.host(sysctl.ensure, "net/ipv4/ip_forward", "0")
    lab.host(bridge.ensure, network)
    assert lab.host(sysctl.read, "net/ipv4/ip_forward") == "0"
    assert lab.host(sysctl.read, f"net/ipv4/conf/{network.interface}/forwarding") == "0"
    lab.host(bridge.remove, network)


@pytest.mark.parametrize("made", [links.bridge("sw-000000ca", mac="02:00:00:00:00:01"), "veth"])
def test_what_the_engine_did_not_make_is_left_alone(lab, made):
    """A network is refused if another interface has its name, which is not changed."""
    network = record("other", 202)
    other = links.veth(network.interface, "x", peer_mac="02:00:00:00:00:02") if made == "veth" else made
    with Netlink(lab.path("host")) as netlink:
        netlink.ask(other)
        with pytest.raises(NameInUse, match="sw-000000ca"):
            lab.host(bridge.ensure, network)
        lab.host(bridge.remove, network)
        (link,) = links.find(netlink, network.interface)
        assert addresses.listed(netlink, link.ifindex)[1:] == []
        netlink.ask(links.delete(network.interface))


def test_an_unmanaged_bridge_is_used_as_it_is(lab):
    """An unmanaged bridge gets ports, but no addresses, and is not removed; a missing one is an error."""
    network = record("given", 203, options={"mode": "unmanaged"})
    with pytest.raises(NotFound, match="sw-000000cb"):
        lab.host(bridge.ensure, network)
    with Netlink(lab.path("host")) as netlink:
        netlink.ask(links.bridge(network.interface, mac="02:00:00:00:00:01"))
        assert lab.host(bridge.ensure, network) == ()
        lab.attach("given", network, attachment(network, 2))
        found = lab.host(bridge.observe, network)
        assert (found.is_own, found.ports) == (False, (attachment(network, 2).host_interface,))
        assert all(address.startswith("fe80") for address in found.addresses)
        lab.host(bridge.remove, network)
        assert links.find(netlink, network.interface) != [None]
        netlink.ask(links.delete(network.interface))


def test_a_container_is_ready(lab, network, container):
    """An attached container has lo and its interface with MAC, MTU, addresses (not tentative) and routes."""
    static = Route("10.200.0.0/16", network.subnets[0].gateway, 5)
    wanted = attachment(network, 7, mtu=1400, metric=100, routes=(static,))
    lab.host(bridge.attach, network, container, wanted)
    found = inside(container)
    loopback, eth0 = found["links"]
    assert (loopback.up, eth0.up, eth0.name, eth0.mac, eth0.mtu) == (True, True, "eth0", wanted.mac, 1400)
    assert [item.address for item in found["addresses"]] == [*wanted.addresses]
    assert not any(item.tentative for item in found["addresses"])
    assert not any(
        item.tentative for item in eventually(lambda: of_link(container), "the address of the link")
    )
    everything = [("0.0.0.0/0", wanted.gateways[0], 100), ("::/0", wanted.gateways[1], 100), static]
    assert {*everything} <= {route[1:] for route in found["routes"]}
    assert lab.host(bridge.is_attached, wanted)
    assert lab.host(bridge.observe, network).ports == (wanted.host_interface,)


@pytest.mark.parametrize("versions", [1, 2], ids=["IPv4", "both"])
def test_nobody_makes_himself_the_router_of_a_container(lab, network, container, versions):
    """A container ignores router advertisements, with or without IPv6 in its network."""
    wanted = attachment(network, 7)
    wanted = wanted._replace(addresses=wanted.addresses[:versions], gateways=wanted.gateways[:versions])
    lab.host(bridge.attach, network, container, wanted)
    names = [sysctl.of_interface(6, "eth0", name) for name in ("accept_ra", "autoconf")]
    assert [netns.call(container, lambda name=name: sysctl.read(name)) for name in names] == ["0", "0"]


def test_an_attachment_that_is_right_stays(lab, network, container):
    """A container that is attached again keeps its interface, with its own additions."""
    wanted = attachment(network, 7)
    lab.host(bridge.attach, network, container, wanted)
    with Netlink(container) as netlink:
        netlink.ask(addresses.add(links.find(netlink, "eth0")[0].ifindex, "10.77.0.1/24"))
    before = inside(container)
    lab.host(bridge.attach, network, container, wanted)
    assert inside(container) == before


@pytest.mark.parametrize("lost", ["addresses", "up", "bridge", "mtu"])
def test_an_attachment_that_is_half_made_is_completed(lab, network, container, lost):
    """A partial attachment is completed by the next call."""
    wanted = attachment(network, 7, mtu=1400)
    lab.host(bridge.attach, network, container, wanted)
    before = inside(container)
    with Netlink(container) as there, Netlink(lab.path("host")) as here:
        (eth0,), (port,) = links.find(there, "eth0"), links.find(here, wanted.host_interface)
        {
            "addresses": lambda: there.batch(
                [addresses.remove(eth0.ifindex, address) for address in wanted.addresses]
            ),
            "up": lambda: there.ask(links.change(eth0, up=False)),
            "bridge": lambda: here.ask(links.change(port, master=0, up=False)),
            "mtu": lambda: there.ask(links.change(eth0, mtu=1300)),
        }[lost]()
    lab.host(bridge.attach, network, container, wanted)
    after = inside(container)
    assert [{*after[key]} for key in after] == [{*before[key]} for key in before]
    assert lab.host(bridge.is_attached, wanted)


def test_an_interface_of_an_earlier_life_is_replaced(lab, network, container):
    """A host's end that leads to an earlier namespace is replaced."""
    wanted = attachment(network, 7)
    lab.attach(f"old{network.id[:8]}", network, wanted)
    lab.host(bridge.attach, network, container, wanted)
    assert [link.name for link in inside(container)["links"]] == ["lo", "eth0"]
    assert [link.name for link in inside(lab.path(f"old{network.id[:8]}"))["links"]] == ["lo"]
    netns.unpin(lab.path(f"old{network.id[:8]}"))


def test_a_name_that_the_container_uses_is_refused(lab, network, container):
    """Another interface with the name in the container is an error, and nothing is left on the host."""
    with Netlink(container) as netlink:
        netlink.ask(links.bridge("eth0", mac="02:00:00:00:00:01"))
    with pytest.raises(NameInUse, match="eth0"):
        lab.host(bridge.attach, network, container, attachment(network, 7))
    assert lab.host(bridge.observe, network).ports == ()


def test_a_detached_container_has_no_interface(lab, network, container):
    """Detaching removes both ends, and is idempotent."""
    wanted = attachment(network, 7)
    lab.host(bridge.attach, network, container, wanted)
    lab.host(bridge.detach, wanted)
    lab.host(bridge.detach, wanted)
    assert not lab.host(bridge.is_attached, wanted)
    assert [link.name for link in inside(container)["links"]] == ["lo"]


def test_no_bridge_is_told(lab, container):
    """A container is not attached to a network without its bridge."""
    network = record("none", 204)
    with pytest.raises(NotFound, match=network.interface):
        lab.host(bridge.attach, network, container, attachment(network, 7))


def test_ipv6_is_switched_on_where_a_network_has_it(lab, container):
    """If IPv6 is disabled for new interfaces, those in IPv6 networks get their addresses nevertheless."""
    network = record("six", 209)
    name = sysctl.of_interface(6, "default", "disable_ipv6")
    lab.host(sysctl.ensure, name, "1")
    netns.call(container, lambda: sysctl.ensure(name, "1"))
    try:
        lab.host(bridge.ensure, network)
        lab.host(bridge.attach, network, container, attachment(network, 7))
        assert [item.address for item in inside(container)["addresses"]] == [
            *attachment(network, 7).addresses
        ]
    finally:
        lab.host(sysctl.ensure, name, "0")
        lab.host(bridge.remove, network)


def test_a_network_of_one_version(lab):
    """A network without IPv6 has no IPv6 address, and one without gateways has no address."""
    network = record("four", 205, subnets=(Subnet("10.99.205.0/24"),))
    lab.host(bridge.ensure, network)
    assert lab.host(bridge.observe, network).addresses == ()
    lab.host(bridge.remove, network)
    assert lab.host(bridge.observe, network) is None


def test_an_address_moves_to_another_container(lab, network):
    """A neighbour that knows an address with its former MAC reaches the new container immediately."""
    for number in (2, 3):
        lab.attach(f"move{number}", network, attachment(network, number))
    for mac in ("02:00:00:00:00:aa", "02:00:00:00:00:bb"):
        lab.host(bridge.detach, attachment(network, 3))
        lab.attach("move3", network, attachment(network, 3, mac=mac))
        for address in attachment(network, 3).addresses:
            with lab.serving("move3", plain(address), 80):
                assert lab.asked("move2", plain(address), 80, wait=1.5)
    for number in (2, 3):
        netns.unpin(lab.path(f"move{number}"))


def test_a_bridge_sends_no_larger_packets_than_the_host(lab):
    """The default MTU of a bridge is that of the interface of the host's default route."""
    with Netlink(lab.path("host")) as netlink:
        (up0,) = links.find(netlink, "up0")
        netlink.batch([links.change(up0, mtu=1380), addresses.add_route(up0.ifindex, "0.0.0.0/0", OUTSIDE4)])
        for number, options, mtu in ((206, {}, 1380), (207, {"mtu": "1300"}, 1300)):
            network = record("small", number, options=options)
            lab.host(bridge.ensure, network)
            assert lab.host(bridge.observe, network).mtu == mtu
            lab.host(bridge.remove, network)
        netlink.batch(
            [links.change(up0, mtu=1500), addresses.remove_route(up0.ifindex, "0.0.0.0/0", OUTSIDE4)]
        )


@pytest.mark.parametrize("mode", [{}, {"mode": "unmanaged"}])
def test_a_vlan_is_there_or_told_to_be_missing(lab, mode):
    """A container is attached to a bridge with a VLAN, or the error names what the kernel lacks."""
    network = record("tagged", 208, options={"vlan": "7", **mode})
    words = ""
    with Netlink(lab.path("host")) as netlink:
        if mode:
            netlink.ask(links.bridge(network.interface, mac="02:00:00:00:00:01"))
        try:
            lab.host(bridge.ensure, network)
            lab.attach("tagged", network, attachment(network, 2))
        except HostLacks as error:
            words = error.message
        netlink.ask(links.delete(network.interface))
    assert words == "" or "CONFIG_BRIDGE_VLAN_FILTERING" in words


def test_two_containers_reach_each_other(lab, network):
    """Containers of a network reach each other in both IP versions immediately after they are attached."""
    for number in (2, 3):
        lab.attach(f"two{number}", network, attachment(network, number))
    for address in attachment(network, 3).addresses:
        with lab.serving("two3", plain(address), 80):
            seen = lab.asked("two2", plain(address), 80)
            assert seen in [plain(item) for item in attachment(network, 2).addresses]
    for number in (2, 3):
        netns.unpin(lab.path(f"two{number}"))


def test_a_pair_of_others_is_left_alone(lab, network, container):
    """A foreign veth with the name of a host's end is not changed."""
    with Netlink(lab.path("host")) as netlink:
        netlink.ask(links.veth("theirs", "x", peer_mac="02:00:00:00:00:02"))
        with pytest.raises(NameInUse, match="theirs"):
            lab.host(bridge.attach, network, container, attachment(network, 7, host_interface="theirs"))
        [kept] = links.find(netlink, "theirs")
        assert kept is not None
        netlink.ask(links.delete("theirs"))


def test_gateways_of_before_go(lab, network):
    """A bridge that outlives a change of its network loses exactly the removed addresses."""
    after = replace(network, subnets=(Subnet("10.98.7.0/24", "10.98.7.1"), network.subnets[1]))
    lab.host(bridge.ensure, after)
    lab.host(bridge.forget_gateways, network, after)
    kept = [one for one in lab.host(bridge.observe, after).addresses if not one.startswith("fe80:")]
    assert sorted(kept) == sorted(["10.98.7.1/24", f"{network.subnets[1].gateway}/64"])
