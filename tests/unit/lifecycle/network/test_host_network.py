# SPDX-License-Identifier: GPL-3.0-or-later
"""Routes are read as the kernel writes them."""

from __future__ import annotations

from _engine.lifecycle.network.host_network import routes_4, routes_6
from _engine.plan.subnets import HostRoute

FOUR = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
vpn\t00010A0A\t090200C0\t0007\t0\t0\t100\t00FFFFFF\t0\t0\t0
*\t0000000A\t00000000\t0200\t0\t0\t0\t000000FF\t0\t0\t0
"""
ZERO = "0" * 32
SIX = f"""\
fd000000000000000000000000000000 40 {ZERO} 00 {ZERO} 00000100 00000001 00000000 00000001     eth0
{ZERO} 00 {ZERO} 00 fd000000000000000000000000000001 00000400 00000001 00000000 00000003     eth0
fe800000000000000000000000000000 40 {ZERO} 00 {ZERO} 00000100 00000001 00000000 00000001     eth0
fd000000000000000000000000000005 80 {ZERO} 00 {ZERO} 00000000 00000002 00000000 80200001     eth0
ff000000000000000000000000000000 08 {ZERO} 00 {ZERO} 00000100 00000001 00000000 00000001     eth0
{ZERO} 00 {ZERO} 00 {ZERO} ffffffff 00000001 00000000 00200200       lo
"""


def test_routes_of_ipv4():
    """Addresses are in the order of bytes of the host; a route that refuses leads nowhere."""
    assert [*routes_4(FOUR.splitlines())] == [
        HostRoute("0.0.0.0/0", "eth0", "192.0.2.1"),
        HostRoute("192.0.2.0/24", "eth0"),
        HostRoute("10.10.1.0/24", "vpn", "192.0.2.9"),
    ]


def test_routes_of_ipv6():
    """Those of addresses, of each link and of groups are left out."""
    assert [*routes_6(SIX.splitlines())] == [
        HostRoute("fd00::/64", "eth0"),
        HostRoute("::/0", "eth0", "fd00::1"),
    ]
