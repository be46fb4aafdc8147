# SPDX-License-Identifier: GPL-3.0-or-later
"""The /etc/resolv.conf of a container with its own networks, and its host's address."""

from __future__ import annotations

import pytest

from _engine.lifecycle.wiring.names import gateway_of, resolv_conf
from _engine.model.container.spec import ContainerSpec
from _engine.model.network.spec import NetworkRecord, NetworkSpec, Subnet

HOST = "search example.com\nnameserver 192.0.2.53\noptions edns0\n"
STUB = "nameserver 127.0.0.53\n"
GATEWAYS = ("10.9.0.1", "fd09::1")
#: Options, the host's file, servers of the networks, aardvark-dns's addresses; the text.
CASES = [
    ({}, HOST, (), (), "search example.com\nnameserver 192.0.2.53\noptions edns0\n"),
    ({}, STUB, (), (), "nameserver 192.0.2.54\n"),
    (
        {"dns": ["192.0.2.55"]},
        HOST,
        ("192.0.2.56",),
        (),
        "search example.com\nnameserver 192.0.2.56\noptions edns0\n",
    ),
    (
        {"dns": ["192.0.2.55"]},
        HOST,
        ("192.0.2.56",),
        GATEWAYS,
        "search dns.podman example.com\nnameserver 10.9.0.1\nnameserver fd09::1\noptions edns0\n",
    ),
    ({"dns_search": ["shop"]}, STUB, (), GATEWAYS, "search shop\nnameserver 10.9.0.1\nnameserver fd09::1\n"),
]


@pytest.mark.parametrize(("options", "host", "servers", "served", "text"), CASES)
def test_resolv_conf(options, host, servers, served, text):
    """The servers are aardvark-dns, else the networks', the container's, or the host's reachable ones."""
    spec = ContainerSpec.parse({"name": "box", "image": "box", **options})
    assert resolv_conf(spec, host, "nameserver 192.0.2.54\n", servers, served) == text


def network(gateway: str, **options) -> NetworkRecord:
    """Return a network with one subnet."""
    return NetworkRecord("a" * 64, NetworkSpec("net", **options), "br", (Subnet("10.9.0.0/24", gateway),), 1)


WAYS = [
    ([network("10.9.0.1"), network("10.9.0.2")], "10.9.0.1"),
    ([network("10.9.0.1", internal=True), network("10.9.0.2")], "10.9.0.2"),
    ([network("fd09::1"), network("10.9.0.2")], "10.9.0.2"),
    ([network("fd09::1")], "fd09::1"),
    ([network("10.9.0.1", driver="macvlan"), network("10.9.0.2", driver="ipvlan")], ""),
    ([], ""),
]


@pytest.mark.parametrize(("networks", "address"), WAYS)
def test_the_way_to_the_host(networks, address):
    """The host is the gateway of the first bridge network that is not internal, IPv4 before IPv6."""
    assert gateway_of(networks) == address
