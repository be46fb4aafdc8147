# SPDX-License-Identifier: GPL-3.0-or-later
"""Notifications of deleted nftables tables, in the network namespace where the socket is opened.

Source: linux/netfilter/nfnetlink.h and nf_tables.h; the kernel reports each deletion, including those by
``flush ruleset``.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import Optional

_NETLINK_NETFILTER = 12
#: A group's bit is one less than its number: NFNLGRP_NFTABLES is 7.
_GROUPS = 1 << 6
#: NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELTABLE
_TABLE_DELETED = 10 << 8 | 2
#: struct nlmsghdr: length, type, flags, sequence number, port.
_HEADER = struct.Struct("=IHHII")
_SIZE = 1 << 16
#: The most messages read at once; the rest makes the socket readable again.
_MOST = 1000


def listening() -> Optional[socket.socket]:
    """Return a socket that is readable after a change of the ruleset; None if the kernel lacks it."""
    try:
        made = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_NETFILTER)
    except OSError:
        return None
    try:
        made.setblocking(False)
        made.bind((0, _GROUPS))
    except OSError:
        made.close()
        return None
    return made


def deleted(listener: socket.socket) -> bool:
    """Read the queued messages and return whether a table was deleted; True if messages were lost."""
    found = False
    try:
        with suppress(BlockingIOError):
            for _number in range(_MOST):
                found = _TABLE_DELETED in _types(listener.recv(_SIZE)) or found
    except OSError:  # ENOBUFS
        return True
    return found


def _types(message: bytes) -> Iterator[int]:
    at = 0
    while at + _HEADER.size <= len(message):
        length, kind, *_rest = _HEADER.unpack_from(message, at)
        yield kind
        at += max(_HEADER.size, (length + 3) & ~3)
