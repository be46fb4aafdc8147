# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring a container's interface up inside of its network namespace, whatever made the interface."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import NameInUse, NotFound
from ..kernel.net import addresses, links, sysctl
from ..kernel.net.netlink import Netlink, Request
from ..model.network.wiring import ON_LINK, Attachment

#: Written to the interface in the container before it comes up: its IPv6 addresses are ready at once, as the engine gives no
#: address twice; no neighbour makes itself its router; it may have its default route on another interface; and those who know
#: its addresses by an earlier container's MAC are told.
_INSIDE = (
    (6, "accept_dad", "0"),
    (6, "accept_ra", "0"),
    (6, "autoconf", "0"),
    (4, "rp_filter", "2"),
    (4, "arp_notify", "1"),
    (6, "ndisc_notify", "1"),
)


@contextmanager
def opened(path: str) -> Iterator[int]:
    """Give a descriptor of the namespace at a path; raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


def name_in_use(attachment: Attachment) -> NameInUse:
    """Return the error for an interface of the container that has the name already."""
    return NameInUse(
        f"the container has another network interface {attachment.interface} already",
        remedy="Give the attachment another interface_name",
        interface=attachment.interface,
    )


def raise_loopback() -> None:
    """Bring lo up in the namespace that this is called in."""
    with Netlink() as netlink:
        (loopback,) = links.find(netlink, "lo")
        if loopback is not None and not loopback.up:
            netlink.ask(links.change(loopback, up=True))


def complete(attachment: Attachment) -> None:
    """Bring the interface and lo up in the namespace that this is called in, with addresses and routes; what is there stays.

    Raises NotFound without the interface, OSError.
    """
    with Netlink() as netlink:
        inside, loopback = links.find(netlink, attachment.interface, "lo")
        if inside is None or loopback is None:
            raise NotFound("network interface", attachment.interface)
        if not inside.up:
            _prepare(inside.name, ipv6=any(":" in address for address in attachment.addresses))
        netlink.batch(
            [
                links.change(loopback, up=True),
                # What has addresses when it comes up tells them to its neighbours.
                *(addresses.add(inside.ifindex, address) for address in attachment.addresses),
                links.change(inside, up=True, mtu=attachment.mtu if attachment.mtu != inside.mtu else 0),
                *_routes(inside.ifindex, attachment),
            ]
        )


def reroute(before: Attachment, after: Attachment) -> None:
    """Give the interface the routes of ``after`` in the place of those of ``before``, in the namespace that this is called in.

    Addresses stay, and connections with them. Raises NotFound without the interface, OSError.
    """
    with Netlink() as netlink:
        (inside,) = links.find(netlink, after.interface)
        if inside is None:
            raise NotFound("network interface", after.interface)
        kept = set(_ways(after))
        gone = [way for way in _ways(before) if way not in kept]
        netlink.batch(
            [
                *(addresses.remove_route(inside.ifindex, *way) for way in gone),
                *_routes(inside.ifindex, after),
            ]
        )


def _prepare(interface: str, *, ipv6: bool) -> None:
    for version, parameter, value in _INSIDE:
        sysctl.put(sysctl.of_interface(version, interface, parameter), value)
    if ipv6:  # which may be off for new interfaces
        sysctl.put(sysctl.of_interface(6, interface, "disable_ipv6"), "0")


def _routes(index: int, attachment: Attachment) -> Iterator[Request]:
    return (addresses.add_route(index, *way) for way in _ways(attachment))


def _ways(attachment: Attachment) -> Iterator[tuple[str, str, int]]:
    """Yield destination, gateway and metric of each route."""
    for gateway in attachment.gateways:
        by = "" if gateway in ON_LINK.values() else gateway
        yield "::/0" if ":" in gateway else "0.0.0.0/0", by, attachment.metric
    for route in attachment.routes:
        yield route.destination, route.gateway, route.metric
