# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers that are attached directly to an interface of the host."""

from __future__ import annotations

import pytest

from _engine.errors import HostLacks, NameInUse, NotFound
from _engine.kernel.net import addresses, links, netns
from _engine.kernel.net.netlink import Netlink
from _engine.model.network.spec import IPVLAN, MACVLAN, Subnet
from _engine.network import direct
from netlab import OUTSIDE4, attachment, plain, record

LAN = (Subnet("192.0.2.0/24", OUTSIDE4),)


@pytest.fixture
def container(lab):
    """Return the path of a new namespace for a container."""
    path = lab.add("box")
    yield path
    netns.unpin(path)


@pytest.mark.parametrize("options", [{"parent": "up0"}, {"parent": "up0", "mode": "vepa"}, {}])
def test_a_container_is_on_the_hosts_link(lab, container, options):
    """A macvlan has its own MAC and address on the host's link, named or of the default route."""
    network = record("lan", 1, subnets=LAN, driver=MACVLAN, options=options)
    wanted = attachment(network, 77, mtu=1400)
    with Netlink(lab.path("host")) as netlink:
        (up0,) = links.find(netlink, "up0")
        netlink.ask(addresses.add_route(up0.ifindex, "0.0.0.0/0", OUTSIDE4))
    lab.host(direct.attach, network, container, wanted)
    lab.host(direct.attach, network, container, wanted)
    with Netlink(container) as netlink:
        (made,) = links.find(netlink, "eth0")
    assert (made.kind, made.mac, made.mtu, made.up, made.parent) == (
        "macvlan",
        wanted.mac,
        1400,
        True,
        up0.ifindex,
    )
    with lab.serving("outside", OUTSIDE4, 80):
        assert lab.asked("box", OUTSIDE4, 80) == plain(wanted.addresses[0])
    lab.host(direct.detach, container, wanted)
    lab.host(direct.detach, container, wanted)
    with Netlink(container) as netlink:
        assert links.find(netlink, "eth0") == [None]


def test_an_ipvlan_is_made_or_the_kernels_words_tell(lab, container):
    """An ipvlan is on the host's link, or the error has the kernel's message about what it lacks."""
    network = record("lan", 1, subnets=LAN, driver=IPVLAN, options={"parent": "up0"})
    wanted = attachment(network, 77)
    words = ""
    try:
        lab.host(direct.attach, network, container, wanted)
    except OSError as error:
        words = str(error.strerror)
    if words:
        assert "Unknown device type" in words
        return
    with lab.serving("outside", OUTSIDE4, 80):
        assert lab.asked("box", OUTSIDE4, 80) == plain(wanted.addresses[0])


def said(lab, act) -> str:
    """Return the error message of an action, "" for none."""
    try:
        lab.host(act)
    except (HostLacks, OSError) as error:
        return str(error)
    return ""


def test_a_driver_that_the_kernel_lacks_is_foreseen(lab, container):
    """Whether the kernel has a driver is checked without creating an interface, with the same result as an attachment."""
    lab.host(direct.check, record("lan", 1, subnets=LAN, driver=MACVLAN, options={"parent": "up0"}))
    network = record("lan", 1, subnets=LAN, driver=IPVLAN, options={"parent": "up0"})
    foreseen = said(lab, lambda: direct.check(network))
    told = said(lab, lambda: direct.attach(network, container, attachment(network, 77)))
    assert bool(foreseen) == bool(told)
    assert not foreseen or "this kernel does not support (CONFIG_IPVLAN)" in foreseen
    with Netlink(lab.path("host")) as netlink:
        assert links.find(netlink, "sw-probe") == [None]


def test_a_killed_attachment_is_completed(lab, container):
    """An interface that was created but not renamed is renamed, and not created twice."""
    network = record("lan", 1, subnets=LAN, driver=MACVLAN, options={"parent": "up0"})
    wanted = attachment(network, 77)
    lab.host(direct.attach, network, container, wanted)
    with Netlink(container) as netlink:
        (made,) = links.find(netlink, "eth0")
        netlink.batch([links.change(made, up=False), links.change(made, name=wanted.host_interface)])
    lab.host(direct.attach, network, container, wanted)
    with Netlink(container) as netlink:
        (again,) = links.find(netlink, "eth0")
        assert (again.ifindex, len(links.listed(netlink, kind="macvlan"))) == (made.ifindex, 1)


def test_what_is_missing_is_told(lab, container):
    """A missing parent, and a name in use in the container, are errors."""
    network = record("lan", 1, subnets=LAN, driver=MACVLAN, options={"parent": "none0"})
    with pytest.raises(NotFound, match="none0"):
        lab.host(direct.attach, network, container, attachment(network, 77))
    network = record("lan", 1, subnets=LAN, driver=MACVLAN, options={"parent": "up0"})
    with Netlink(container) as netlink:
        netlink.ask(links.bridge("eth0", mac="02:00:00:00:00:01"))
    with pytest.raises(NameInUse, match="eth0"):
        lab.host(direct.attach, network, container, attachment(network, 77))
    with Netlink(container) as netlink:
        assert links.listed(netlink, kind="macvlan") == []


def test_a_namespace_that_is_gone_is_detached(lab):
    """Detaching from a removed namespace does nothing."""
    network = record("lan", 1, subnets=LAN, driver=MACVLAN, options={"parent": "up0"})
    lab.host(direct.detach, lab.path("never"), attachment(network, 77))
    assert not netns.is_pinned(lab.path("never"))
