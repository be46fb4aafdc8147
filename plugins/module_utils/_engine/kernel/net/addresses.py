# SPDX-License-Identifier: GPL-3.0-or-later
"""Add, remove and list addresses, routes and neighbours of network interfaces.

Sources: rtnetlink(7), <linux/if_addr.h>, <linux/rtnetlink.h>, <linux/neighbour.h>. Changes are returned as a
``Request``, for ``Netlink.batch``; adding what exists, or deleting what does not, is not an error.
"""

from __future__ import annotations

import errno
import socket
import struct
import time
from typing import NamedTuple

from .netlink import APPEND, CREATE, REPLACE, Netlink, Request, attribute, attributes

_NEWADDR, _DELADDR, _GETADDR = 20, 21, 22
_NEWROUTE, _DELROUTE, _GETROUTE = 24, 25, 26
_NEWNEIGH, _DELNEIGH, _GETNEIGH = 28, 29, 30

_ADDRESS = struct.Struct("=BBBBI")  # struct ifaddrmsg
_IFA_ADDRESS, _IFA_LOCAL, _IFA_BROADCAST, _IFA_FLAGS = 1, 2, 4, 8
_NODAD, _DADFAILED, _TENTATIVE = 0x02, 0x08, 0x40

_ROUTE = struct.Struct("=BBBBBBBBI")  # struct rtmsg
_RTA_DST, _RTA_OIF, _RTA_GATEWAY, _RTA_PRIORITY, _RTA_TABLE = 1, 4, 5, 6, 15
_MAIN, _BY_ADMIN, _UNICAST, _RTN_LOCAL, _LINK = 254, 4, 1, 2, 253
#: The routing table of the host's own addresses.
_LOCAL = 255

_NEIGHBOUR = struct.Struct("=BxxxiHBB")  # struct ndmsg
_NDA_DST, _NDA_LLADDR = 1, 2
_PERMANENT = 0x80

#: Seconds between checks of tentative addresses; the kernel's detection of duplicates takes a second or two.
_PAUSE = 0.02
_FAMILIES = {4: socket.AF_INET, 16: socket.AF_INET6}


class Address(NamedTuple):
    """An address in CIDR notation.

    ``tentative``: IPv6 duplicate address detection is in progress; ``clash``: another host has the address.
    """

    ifindex: int
    address: str
    tentative: bool
    clash: bool


class Route(NamedTuple):
    """A unicast route.

    ``destination`` is in CIDR notation; ``gateway`` is "" for an on-link destination, ``metric`` 0 for none.
    """

    ifindex: int
    destination: str
    gateway: str
    metric: int


def add(index: int, address: str) -> Request:
    """Return the request that adds an address, for IPv6 without duplicate detection: it is usable at once."""
    packed, length = _packed(address)
    body = _addressed(index, address)
    if len(packed) == 4 and length < 31:  # RFC 3021: a point-to-point link has no broadcast
        host_bits = (1 << (32 - length)) - 1
        broadcast = int.from_bytes(packed, "big") | host_bits
        body += attribute(_IFA_BROADCAST, broadcast.to_bytes(4, "big"))
    body += attribute(_IFA_FLAGS, _NODAD if len(packed) == 16 else 0)
    return Request(_NEWADDR, body, f"address {address}", CREATE, fine=(errno.EEXIST,))


def remove(index: int, address: str) -> Request:
    """Return the request that removes an address in CIDR notation."""
    return Request(
        _DELADDR, _addressed(index, address), f"address {address}", fine=(errno.EADDRNOTAVAIL, errno.ENODEV)
    )


def listed(netlink: Netlink, index: int = 0) -> list[Address]:
    """Return the addresses of one interface, or of all for 0."""
    found = map(
        _address, netlink.dump(Request(_GETADDR, _ADDRESS.pack(0, 0, 0, 0, index), "network addresses"))
    )
    return [address for address in found if index in (0, address.ifindex)]


def settle(netlink: Netlink, index: int, *, timeout: float) -> None:
    """Wait until no address of the interface is tentative.

    Raises TimeoutError, or OSError with EADDRINUSE if another host has one of them.
    """
    deadline = time.monotonic() + timeout
    while True:
        found = listed(netlink, index)
        for address in found:
            if address.clash:
                raise OSError(errno.EADDRINUSE, "another host has this address", f"address {address.address}")
        waits = [address.address for address in found if address.tentative]
        if not waits:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(errno.ETIMEDOUT, "the address is still tentative", f"address {waits[0]}")
        time.sleep(_PAUSE)


def add_route(index: int, destination: str, gateway: str = "", metric: int = 0) -> Request:
    """Return the request that appends a route after those with the same destination and metric."""
    body = _routed(index, destination, gateway, metric)
    return Request(_NEWROUTE, body, f"route to {destination}", CREATE | APPEND, fine=(errno.EEXIST,))


def add_local_route(index: int, destination: str, metric: int) -> Request:
    """Return the request that adds a local route: an interface's packets for it are the host's own."""
    body = _routed(index, destination, "", metric, table=_LOCAL, kind=_RTN_LOCAL)
    return Request(_NEWROUTE, body, f"route to {destination}", CREATE | APPEND, fine=(errno.EEXIST,))


def remove_route(index: int, destination: str, gateway: str = "", metric: int = 0) -> Request:
    """Return the request that removes a route."""
    body = _routed(index, destination, gateway, metric)
    return Request(_DELROUTE, body, f"route to {destination}", fine=(errno.ESRCH, errno.ENODEV))


def routes(netlink: Netlink) -> list[Route]:
    """Return the unicast routes of all tables, of both IP versions."""
    request = Request(_GETROUTE, _ROUTE.pack(0, 0, 0, 0, 0, 0, 0, 0, 0), "routes")
    return [_route(payload) for payload in netlink.dump(request) if _is_unicast(payload)]


def add_neighbour(index: int, address: str, mac: str) -> Request:
    """Return the request that adds a permanent neighbour: the MAC of an address on the link."""
    body = _neighbour(index, address) + attribute(_NDA_LLADDR, bytes.fromhex(mac.replace(":", "")))
    return Request(_NEWNEIGH, body, f"neighbour {address}", CREATE | REPLACE)


def remove_neighbour(index: int, address: str) -> Request:
    """Return the request that removes a neighbour."""
    return Request(
        _DELNEIGH, _neighbour(index, address), f"neighbour {address}", fine=(errno.ENOENT, errno.ENODEV)
    )


def neighbours(netlink: Netlink, index: int) -> dict[str, str]:
    """Return the MACs of the known neighbours on an interface's link, by address."""
    found = {}
    for payload in netlink.dump(Request(_GETNEIGH, _NEIGHBOUR.pack(0, 0, 0, 0, 0), "neighbours")):
        there = attributes(payload[_NEIGHBOUR.size :])
        if _NEIGHBOUR.unpack_from(payload)[1] == index and {_NDA_DST, _NDA_LLADDR} <= there.keys():
            found[_text(there[_NDA_DST])] = there[_NDA_LLADDR].hex(":")
    return found


def _packed(cidr: str) -> tuple[bytes, int]:
    """Return the address in network order and the prefix length, by default that of a single host."""
    address, _slash, length = cidr.partition("/")
    packed = socket.inet_pton(_family(address), address)
    return packed, int(length or len(packed) * 8)


def _family(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _text(packed: bytes) -> str:
    return socket.inet_ntop(_FAMILIES[len(packed)], packed)


def _addressed(index: int, address: str) -> bytes:
    packed, length = _packed(address)
    header = _ADDRESS.pack(_family(address), length, 0, 0, index)
    return header + attribute(_IFA_LOCAL, packed) + attribute(_IFA_ADDRESS, packed)


def _address(payload: bytes) -> Address:
    _family, length, flags, _scope, index = _ADDRESS.unpack_from(payload)
    found = attributes(payload[_ADDRESS.size :])
    if _IFA_FLAGS in found:  # has room for more flags than the header
        flags = struct.unpack("=I", found[_IFA_FLAGS])[0]
    # IFA_ADDRESS is the peer's address if there is a peer.
    packed = found.get(_IFA_LOCAL) or found[_IFA_ADDRESS]
    clash = bool(flags & _DADFAILED)
    return Address(index, f"{_text(packed)}/{length}", bool(flags & _TENTATIVE) and not clash, clash)


def _routed(
    index: int, destination: str, gateway: str, metric: int, *, table: int = _MAIN, kind: int = _UNICAST
) -> bytes:
    packed, length = _packed(destination)
    scope = 0 if gateway or len(packed) == 16 else _LINK
    body = _ROUTE.pack(_family(destination), length, 0, 0, table, _BY_ADMIN, scope, kind, 0)
    body += attribute(_RTA_OIF, index)
    if length:
        body += attribute(_RTA_DST, packed)
    if gateway:
        body += attribute(_RTA_GATEWAY, socket.inet_pton(_family(gateway), gateway))
    return body + attribute(_RTA_PRIORITY, metric) if metric else body


def _is_unicast(payload: bytes) -> bool:
    family, _dst, _src, _tos, table, _protocol, _scope, kind, flags = _ROUTE.unpack_from(payload)
    cloned = flags & 0x200  # RTM_F_CLONED: a cached lookup, not a configured route
    return family in (socket.AF_INET, socket.AF_INET6) and kind == _UNICAST and table != _LOCAL and not cloned


def _route(payload: bytes) -> Route:
    family, length = _ROUTE.unpack_from(payload)[:2]
    found = attributes(payload[_ROUTE.size :])
    size = 4 if family == socket.AF_INET else 16
    gateway = found.get(_RTA_GATEWAY)
    return Route(
        _number(found, _RTA_OIF),
        f"{_text(found.get(_RTA_DST, bytes(size)))}/{length}",
        _text(gateway) if gateway else "",
        _number(found, _RTA_PRIORITY),
    )


def _number(found: dict[int, bytes], kind: int) -> int:
    return int(struct.unpack("=I", found[kind])[0]) if kind in found else 0


def _neighbour(index: int, address: str) -> bytes:
    packed, _length = _packed(address)
    return _NEIGHBOUR.pack(_family(address), index, _PERMANENT, 0, 0) + attribute(_NDA_DST, packed)
