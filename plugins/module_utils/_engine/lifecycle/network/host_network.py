# SPDX-License-Identifier: GPL-3.0-or-later
"""The host's routes, interfaces and IPv6 support, so that networks avoid conflicts with them."""

from __future__ import annotations

import os

from ...kernel.net import addresses, links
from ...kernel.net.netlink import Netlink
from ...plan.subnets import HostRoute, Taken

#: In this thread's network namespace (proc(5), /proc/[pid]/net).
_ADDRESSES_6 = "/proc/thread-self/net/if_inet6"


def taken_by_host() -> Taken:
    """Return the host's interfaces and its routes from all tables, without the engine's networks."""
    with Netlink() as netlink:
        names = {link.ifindex: link.name for link in links.listed(netlink)}
        routes = addresses.routes(netlink)
    found = (HostRoute(route.destination, names.get(route.ifindex, ""), route.gateway) for route in routes)
    return Taken(routes=tuple(found), interfaces=frozenset(names.values()))


def has_ipv6() -> bool:
    """Return whether the kernel has IPv6."""
    return os.path.exists(_ADDRESSES_6)
