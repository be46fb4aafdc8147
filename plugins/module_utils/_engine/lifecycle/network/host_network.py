# SPDX-License-Identifier: GPL-3.0-or-later
"""Look at the host's network, to keep clear of it: its routes, its interfaces, whether it has IPv6."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterator

from ...plan.subnets import HostRoute

#: Of this thread's network namespace (proc(5), /proc/[pid]/net).
_ROUTES_4, _ROUTES_6 = "/proc/thread-self/net/route", "/proc/thread-self/net/ipv6_route"
_ADDRESSES_6 = "/proc/thread-self/net/if_inet6"
#: linux/route.h and linux/ipv6_route.h: the route refuses, is an address of this host, or of any host.
_REJECT, _LOCAL, _ANYCAST = 0x200, 0x80000000, 0x00100000
_OWN_6 = tuple(ipaddress.IPv6Network(net) for net in ("fe80::/10", "ff00::/8"))


def host_routes() -> tuple[HostRoute, ...]:
    """Return the routes of the main table, of both versions of IP; those that refuse are left out."""
    return (*routes_4(_read(_ROUTES_4)), *routes_6(_read(_ROUTES_6)))


def host_interfaces() -> frozenset[str]:
    """Return the names of all interfaces."""
    return frozenset(name for _index, name in socket.if_nameindex())


def has_ipv6() -> bool:
    """Tell whether the kernel has IPv6."""
    return os.path.exists(_ADDRESSES_6)


def _read(path: str) -> list[str]:
    try:
        with open(path, encoding="ascii") as file:
            return file.read().splitlines()
    except FileNotFoundError:  # a kernel without this version of IP
        return []


def routes_4(lines: list[str]) -> Iterator[HostRoute]:
    """Yield the routes of ``/proc/net/route``: its addresses are hex digits in the host's order of bytes."""
    for line in lines[1:]:
        interface, destination, gateway, flags, _count, _use, _metric, mask, *_rest = line.split()
        if not int(flags, 16) & _REJECT:
            net = ipaddress.IPv4Network((_host_order(destination), str(_host_order(mask))))
            via = _host_order(gateway)
            yield HostRoute(str(net), interface, str(via) if int(via) else "")


def _host_order(digits: str) -> ipaddress.IPv4Address:
    return ipaddress.IPv4Address(socket.ntohl(int(digits, 16)))


def routes_6(lines: list[str]) -> Iterator[HostRoute]:
    """Yield the routes of ``/proc/net/ipv6_route``, those of addresses and of each link left out."""
    for line in lines:
        destination, length, _source, _length, gateway, _metric, _count, _use, flags, interface = line.split()
        net = ipaddress.IPv6Network((int(destination, 16), int(length, 16)))
        if int(flags, 16) & (_REJECT | _LOCAL | _ANYCAST) or any(net.subnet_of(own) for own in _OWN_6):
            continue
        via = ipaddress.IPv6Address(int(gateway, 16))
        yield HostRoute(str(net), interface, str(via) if int(via) else "")
