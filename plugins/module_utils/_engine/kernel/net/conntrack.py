# SPDX-License-Identifier: GPL-3.0-or-later
"""Delete entries of the kernel's connection tracking; source: <linux/netfilter/nfnetlink_conntrack.h>."""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Collection
from typing import NamedTuple

from .netlink import NETFILTER, Netlink, Request, attribute, attributes, nested

UDP = socket.IPPROTO_UDP

_GET, _DELETE = 0x101, 0x102
_HEADER = struct.Struct("=BBH")  # struct nfgenmsg
_ORIGINAL, _REPLY, _ID, _FILTER = 1, 2, 12, 25
_IP, _PROTO = 1, 2
_ADDRESSES = {int(socket.AF_INET): (1, 2), int(socket.AF_INET6): (3, 4)}
_PROTO_NUMBER, _SOURCE_PORT, _TARGET_PORT = 1, 2, 3
#: CTA_FILTER (Linux 5.8): which fields of the original direction the kernel itself compares.
_FILTER_ORIGINAL, _FILTER_REPLY = 1, 2
_BY_PROTOCOL, _BY_TARGET_PORT = 1 << 3, 1 << 5


class Connection(NamedTuple):
    """A connection: the destination of its first packet, and the actual source of the replies."""

    address: str
    port: int
    answered_by: str
    answering_port: int
    key: bytes


def listed(netlink: Netlink, family: int, protocol: int, ports: Collection[int]) -> list[Connection]:
    """Return an IP protocol's connections to these ports; ``netlink`` uses NETFILTER. Raises OSError."""
    wanted, by = [attribute(_PROTO_NUMBER, bytes([protocol]))], _BY_PROTOCOL
    # The kernel compares one port only. Several are one dump too, because each walks the whole table.
    if len(ports) == 1:
        wanted.append(attribute(_TARGET_PORT, struct.pack("!H", *ports)))
        by |= _BY_TARGET_PORT
    selects = nested(_FILTER, attribute(_FILTER_ORIGINAL, by), attribute(_FILTER_REPLY, 0))
    body = _HEADER.pack(family, 0, 0) + nested(_ORIGINAL, nested(_PROTO, *wanted)) + selects
    answers = netlink.dump(Request(_GET, body, "tracked connections"))
    return [
        connection
        for number, connection in map(_connection, answers)
        if number == protocol and connection.port in ports  # an old kernel does not filter
    ]


def forget(protocol: int, ports: Collection[int], here: Collection[str], leads_to: Collection[str]) -> int:
    """Delete connections to these ports of ``here`` that none of ``leads_to`` answers; return their number.

    ``here`` and ``leads_to`` are addresses. Otherwise the packets of a connectionless client that keeps
    sending are forwarded to the first packet's destination forever.
    """
    gone = 0
    with Netlink(protocol=NETFILTER) as netlink:
        for family in _ADDRESSES:
            found = [
                connection
                for connection in listed(netlink, family, protocol, ports)
                if connection.address in here and connection.answered_by not in leads_to
            ]
            gone += len(found)
            netlink.batch([_deletion(family, connection) for connection in found])
    return gone


def _deletion(family: int, connection: Connection) -> Request:
    body = _HEADER.pack(family, 0, 0) + connection.key
    return Request(_DELETE, body, "tracked connection", fine=(errno.ENOENT,))


def _connection(payload: bytes) -> tuple[int, Connection]:
    family = payload[0]
    found = attributes(payload[_HEADER.size :])
    source, target = _ADDRESSES[family]
    original, reply = _tuple(found[_ORIGINAL]), _tuple(found[_REPLY])
    connection = Connection(
        socket.inet_ntop(family, original[0][target]),
        _port(original[1], _TARGET_PORT),
        socket.inet_ntop(family, reply[0][source]),
        _port(reply[1], _SOURCE_PORT),
        attribute(_ORIGINAL | 0x8000, found[_ORIGINAL]) + attribute(_ID, found[_ID]),
    )
    return original[1][_PROTO_NUMBER][0], connection


def _tuple(data: bytes) -> tuple[dict[int, bytes], dict[int, bytes]]:
    parts = attributes(data)
    return attributes(parts[_IP]), attributes(parts[_PROTO])


def _port(found: dict[int, bytes], kind: int) -> int:
    return int.from_bytes(found.get(kind, b""), "big")  # ICMP has none
