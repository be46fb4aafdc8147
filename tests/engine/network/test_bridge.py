# SPDX-License-Identifier: GPL-3.0-or-later
"""Make bridges and attach containers to them."""

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
    """Return a network of its own for a test, whose bridge goes with the test."""
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
    """Return what there is in a container: links, addresses and routes, but those of the link, which come when they come."""
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
    """Return the addresses that the kernel has made for the links of a container."""
    with Netlink(path) as netlink:
        return [item for item in addresses.listed(netlink) if item.address.startswith("fe80:")]


def test_a_bridge_has_the_gateways(lab, network):
    """A bridge is made with the gateways' addresses, up, and made again it stays as it is."""
    found = lab.host(bridge.observe, network)
    gateways = ("10.99.{}.1/24", "fd99:{}::1/64")
    number = int(network.id[:8], 16)
    assert found == bridge.Bridge(True, True, 1500, tuple(one.format(number) for one in gateways), ())
    assert lab.host(bridge.ensure, network) == ()
    assert lab.host(bridge.observe, network) == found


def test_what_a_bridge_lacks_is_mended(lab, network):
    """A bridge that is down, without its addresses and with another MTU, is brought back."""
    before = lab.host(bridge.observe, network)
    with Netlink(lab.path("host")) as netlink:
        (link,) = links.find(netlink, network.interface)
        netlink.batch([addresses.remove(link.ifindex, address) for address in before.addresses])
        netlink.ask(links.change(link, up=False))
    lab.host(bridge.ensure, network)
    assert lab.host(bridge.observe, network) == before


def test_parameters_that_were_changed_are_told(lab):
    """The first network that leads outside switches forwarding on, and what it changed is told once."""
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
    """An internal network leaves the host's forwarding alone, and forwards nothing on its bridge."""
    network = record("closed", 201, internal=True)
    lab.host(sysctl.ensure, "net/ipv4/ip_forward", "0")
    lab.host(bridge.ensure, network)
    assert lab.host(sysctl.read, "net/ipv4/ip_forward") == "0"
    assert lab.host(sysctl.read, f"net/ipv4/conf/{network.interface}/forwarding") == "0"
    lab.host(bridge.remove, network)


@pytest.mark.parametrize("made", [links.bridge("sw-000000ca", mac="02:00:00:00:00:01"), "veth"])
def test_what_the_engine_did_not_make_is_left_alone(lab, made):
    """A network is refused where another interface has its name, and that one stays."""
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
    """A bridge that is given gets ports, and neither addresses nor an end from the engine; one that is missing is told."""
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
    """An attached container has its interface with MAC, MTU, addresses and routes, none of them tentative, and lo."""
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
    """A container takes no router advertisements, whether or not its network has IPv6."""
    wanted = attachment(network, 7)
    wanted = wanted._replace(addresses=wanted.addresses[:versions], gateways=wanted.gateways[:versions])
    lab.host(bridge.attach, network, container, wanted)
    names = [sysctl.of_interface(6, "eth0", name) for name in ("accept_ra", "autoconf")]
    assert [netns.call(container, lambda name=name: sysctl.read(name)) for name in names] == ["0", "0"]


def test_an_attachment_that_is_right_stays(lab, network, container):
    """Attached again, a container keeps its interface, with what it has added itself."""
    wanted = attachment(network, 7)
    lab.host(bridge.attach, network, container, wanted)
    with Netlink(container) as netlink:
        netlink.ask(addresses.add(links.find(netlink, "eth0")[0].ifindex, "10.77.0.1/24"))
    before = inside(container)
    lab.host(bridge.attach, network, container, wanted)
    assert inside(container) == before


@pytest.mark.parametrize("lost", ["addresses", "up", "bridge", "mtu"])
def test_an_attachment_that_is_half_made_is_completed(lab, network, container, lost):
    """What a kill, or somebody, has left undone of an attachment is done by the next call."""
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
    """A host's end that leads into the namespace of an earlier life makes way for the new one."""
    wanted = attachment(network, 7)
    lab.attach(f"old{network.id[:8]}", network, wanted)
    lab.host(bridge.attach, network, container, wanted)
    assert [link.name for link in inside(container)["links"]] == ["lo", "eth0"]
    assert [link.name for link in inside(lab.path(f"old{network.id[:8]}"))["links"]] == ["lo"]
    netns.unpin(lab.path(f"old{network.id[:8]}"))


def test_a_name_that_the_container_uses_is_refused(lab, network, container):
    """A container that has another interface of the name is told, and nothing is left on the host."""
    with Netlink(container) as netlink:
        netlink.ask(links.bridge("eth0", mac="02:00:00:00:00:01"))
    with pytest.raises(NameInUse, match="eth0"):
        lab.host(bridge.attach, network, container, attachment(network, 7))
    assert lab.host(bridge.observe, network).ports == ()


def test_a_detached_container_has_no_interface(lab, network, container):
    """Detaching removes both ends, and can be repeated."""
    wanted = attachment(network, 7)
    lab.host(bridge.attach, network, container, wanted)
    lab.host(bridge.detach, wanted)
    lab.host(bridge.detach, wanted)
    assert not lab.host(bridge.is_attached, wanted)
    assert [link.name for link in inside(container)["links"]] == ["lo"]


def test_no_bridge_is_told(lab, container):
    """A container is not attached to a network whose bridge is not there."""
    network = record("none", 204)
    with pytest.raises(NotFound, match=network.interface):
        lab.host(bridge.attach, network, container, attachment(network, 7))


def test_ipv6_is_switched_on_where_a_network_has_it(lab, container):
    """Where IPv6 is off for new interfaces, those of a network that has it get their addresses all the same."""
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
    """A network without IPv6 has no address of it, and one without gateways none at all."""
    network = record("four", 205, subnets=(Subnet("10.99.205.0/24"),))
    lab.host(bridge.ensure, network)
    assert lab.host(bridge.observe, network).addresses == ()
    lab.host(bridge.remove, network)
    assert lab.host(bridge.observe, network) is None


def test_an_address_moves_to_another_container(lab, network):
    """A neighbour who knows an address by its former MAC reaches the container that has it now, without a wait."""
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
    """A bridge without an MTU of its own takes that of the host's way out; one that is asked for comes first."""
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
    """A container is attached to a bridge with a VLAN, or the error says what the kernel lacks."""
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
    """Containers of a network reach each other by both versions, at once after they are attached."""
    for number in (2, 3):
        lab.attach(f"two{number}", network, attachment(network, number))
    for address in attachment(network, 3).addresses:
        with lab.serving("two3", plain(address), 80):
            seen = lab.asked("two2", plain(address), 80)
            assert seen in [plain(item) for item in attachment(network, 2).addresses]
    for number in (2, 3):
        netns.unpin(lab.path(f"two{number}"))


def test_a_pair_of_others_is_left_alone(lab, network, container):
    """An attachment whose end on the host is to be called as a veth that is in no bridge of its own leaves that alone."""
    with Netlink(lab.path("host")) as netlink:
        netlink.ask(links.veth("theirs", "x", peer_mac="02:00:00:00:00:02"))
        with pytest.raises(NameInUse, match="theirs"):
            lab.host(bridge.attach, network, container, attachment(network, 7, host_interface="theirs"))
        [kept] = links.find(netlink, "theirs")
        assert kept is not None
        netlink.ask(links.delete("theirs"))


def test_gateways_of_before_go(lab, network):
    """A bridge that outlives a change of its network loses the addresses that it has no more, and no others."""
    after = replace(network, subnets=(Subnet("10.98.7.0/24", "10.98.7.1"), network.subnets[1]))
    lab.host(bridge.ensure, after)
    lab.host(bridge.forget_gateways, network, after)
    kept = [one for one in lab.host(bridge.observe, after).addresses if not one.startswith("fe80:")]
    assert sorted(kept) == sorted(["10.98.7.1/24", f"{network.subnets[1].gateway}/64"])
