# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the interface of the host's default route."""

from __future__ import annotations

from typing import Optional

from ..kernel.net import addresses, links
from ..kernel.net.netlink import Netlink

_EVERYTHING = ("0.0.0.0/0", "::/0")


def way_out(netlink: Netlink) -> Optional[links.Link]:
    """Return the interface of the default route with the lowest metric, None without a default route."""
    found = [route for route in addresses.routes(netlink) if route.destination in _EVERYTHING]
    best = min(found, key=lambda route: route.metric, default=None)
    return next((link for link in links.listed(netlink) if best and link.ifindex == best.ifindex), None)
