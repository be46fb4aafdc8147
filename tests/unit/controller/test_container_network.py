# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory's variables for the network of a container."""

from __future__ import annotations

import pytest
from ansible_collections.slipway.oci.plugins.plugin_utils.container_network import network_facts

FOUR = {"IPAddress": "10.89.0.2", "GlobalIPv6Address": "fd00::2"}
SIX = {"IPAddress": "", "GlobalIPv6Address": "fd01::2"}
BOUND = [{"HostIp": "", "HostPort": "8080"}, {"HostIp": "127.0.0.1", "HostPort": "8081"}]

CASES = [
    ({"Networks": {"six": SIX, "app": FOUR}, "Ports": {"80/tcp": BOUND}}, "10.89.0.2", {"80/tcp": 8080}),
    ({"Networks": {"six": SIX}, "Ports": {"53/udp": None, "80/tcp": BOUND}}, "fd01::2", {"80/tcp": 8080}),
    ({"Networks": {"host": {"IPAddress": ""}}, "Ports": {}}, "", {}),
    ({"Networks": None, "Ports": None}, "", {}),
    (None, "", {}),
]


@pytest.mark.parametrize(("settings", "address", "ports"), CASES)
def test_address_and_ports(settings, address, ports):
    """The first IPv4 address, else the first IPv6 address; for each published port, the first host port."""
    found = network_facts({"NetworkSettings": settings})
    assert found == {"slipway_address": address, "slipway_ports": ports}
