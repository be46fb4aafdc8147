# SPDX-License-Identifier: GPL-3.0-or-later
"""A container cannot change its network: not its own addresses, its neighbours' or its host's."""

from __future__ import annotations

import pytest

from _engine.kernel.net import addresses, links, nft
from _engine.kernel.net.netlink import Netlink

# Independent of the runtime.
pytestmark = pytest.mark.parametrize("runtime", ["runc"], indirect=True)

#: Commands by purpose; each succeeds with the named capability.
ATTEMPTS = {
    "take an address": ("busybox ip address add 10.96.0.1/24 dev eth0", "NET_ADMIN"),
    "take a MAC address": ("busybox ifconfig eth0 hw ether 02:00:00:00:00:99", "NET_ADMIN"),
    "alter a route": ("busybox ip route replace default via 10.96.0.9", "NET_ADMIN"),
    "alter a neighbour": ("busybox arp -i eth0 -s 10.96.0.1 02:00:00:00:00:99", "NET_ADMIN"),
    "make an interface": ("busybox ip link add br0 type bridge", "NET_ADMIN"),
    "write ARP by itself": ("busybox arping -c 1 -w 5 -I eth0 10.96.0.1", "NET_RAW"),
}
#: Commands that fail with any capability, because /proc/sys is read-only.
CLOSED = {
    "forward": "echo 1 >/proc/sys/net/ipv4/conf/eth0/forwarding",
    "route 127.0.0.1": "echo 1 >/proc/sys/net/ipv4/conf/eth0/route_localnet",
}
HOW = {"network": ["lan:ip=10.96.0.7"], "stop_timeout": 0, "rm": False}


def kernel() -> list[object]:
    """Return the host's interfaces, addresses, routes and rules."""
    with Netlink() as netlink:
        interfaces = [(link.name, link.mac, link.up) for link in links.listed(netlink)]
        ips = [item.address for item in addresses.listed(netlink)]
        routes = addresses.routes(netlink)
    return [*interfaces, *ips, *routes, nft._listed("list ruleset")]


def done_by(host, attempts: dict[str, str], **options) -> set[str]:
    """Return which of these attempts succeed in a container."""
    script = "\n".join(f"({command}) >/dev/null 2>&1 && echo {what}" for what, command in attempts.items())
    host.want("started", "sh", "-c", f"{script}\ntrue", name="box", **{**HOW, **options})
    host.ended("box")
    return {*host.log("box")[0].splitlines()}


@pytest.mark.parametrize("user", ["0", "1000"])
def test_a_container_alters_nothing(host, user):
    """Without further capabilities a container cannot change its network or send ARP."""
    host.network("lan", subnet="10.96.0.0/24")
    host.start("sleep", "1000", name="neighbour", **{**HOW, "network": ["lan"]})
    commands = {what: command for what, (command, _capability) in ATTEMPTS.items()}
    before = kernel()
    assert done_by(host, {**commands, **CLOSED}, user=user) == set()
    assert kernel() == before


def test_capabilities_are_for_its_own_namespace(host):
    """With the capabilities the attempts succeed in the container's namespace only."""
    host.network("lan", subnet="10.96.0.0/24")
    host.start("sleep", "1000", name="neighbour", **{**HOW, "network": ["lan"]})
    before = kernel()
    for what, (command, capability) in ATTEMPTS.items():
        assert (what, done_by(host, {what: command}, cap_add=[capability])) == (what, {what})
    assert done_by(host, CLOSED, cap_add=["NET_ADMIN", "NET_RAW"]) == set()
    assert kernel() == before
