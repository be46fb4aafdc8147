# SPDX-License-Identifier: GPL-3.0-or-later
"""Look at the host's network, to keep clear of it: its routes, its interfaces, whether it has IPv6."""

from __future__ import annotations

import os

from ...kernel.net import addresses, links
from ...kernel.net.netlink import Netlink
from ...plan.subnets import HostRoute, Taken

#: Of this thread's network namespace (proc(5), /proc/[pid]/net).
_ADDRESSES_6 = "/proc/thread-self/net/if_inet6"


def taken_by_host() -> Taken:
    """Return the host's interfaces, and its routes of all tables, without the networks."""
    with Netlink() as netlink:
        names = {link.ifindex: link.name for link in links.listed(netlink)}
        routes = addresses.routes(netlink)
    found = (HostRoute(route.destination, names.get(route.ifindex, ""), route.gateway) for route in routes)
    return Taken(routes=tuple(found), interfaces=frozenset(names.values()))


def has_ipv6() -> bool:
    """Tell whether the kernel has IPv6."""
    return os.path.exists(_ADDRESSES_6)
