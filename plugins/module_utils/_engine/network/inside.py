# SPDX-License-Identifier: GPL-3.0-or-later
"""Configure a container's interface in its network namespace, regardless of the driver that created it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import NameInUse, NotFound
from ..kernel.net import addresses, links, sysctl
from ..kernel.net.netlink import Netlink, Request
from ..model.network.wiring import ON_LINK, Attachment

#: Parameters of the interface, set before it comes up. IPv6 addresses are usable at once, because the engine assigns no address
#: twice; no neighbour can become its router; its default route may be on another interface; and neighbours that know its
#: addresses with an earlier container's MAC are notified.
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
    """Yield a descriptor of the namespace at a path. Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


def name_in_use(attachment: Attachment) -> NameInUse:
    """Return the error for an existing interface of the container with that name."""
    return NameInUse(
        f"the container already has another network interface {attachment.interface}",
        remedy="Choose another interface_name for the attachment",
        interface=attachment.interface,
    )


def raise_loopback() -> None:
    """Bring up lo in the current network namespace."""
    with Netlink() as netlink:
        (loopback,) = links.find(netlink, "lo")
        if loopback is not None and not loopback.up:
            netlink.ask(links.change(loopback, up=True))


def complete(attachment: Attachment) -> None:
    """Bring up the interface and lo in the current network namespace, with addresses and routes; idempotent.

    Raises NotFound without the interface, or OSError.
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
                # An interface that has addresses when it comes up announces them to its neighbours.
                *(addresses.add(inside.ifindex, address) for address in attachment.addresses),
                links.change(inside, up=True, mtu=attachment.mtu if attachment.mtu != inside.mtu else 0),
                *_routes(inside.ifindex, attachment),
            ]
        )


def reroute(before: Attachment, after: Attachment) -> None:
    """Replace the routes of ``before`` by those of ``after``, in the current network namespace.

    Addresses stay, and thus connections. Raises NotFound without the interface, or OSError.
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
    if ipv6:  # it may be disabled for new interfaces
        sysctl.put(sysctl.of_interface(6, interface, "disable_ipv6"), "0")


def _routes(index: int, attachment: Attachment) -> Iterator[Request]:
    return (addresses.add_route(index, *way) for way in _ways(attachment))


def _ways(attachment: Attachment) -> Iterator[tuple[str, str, int]]:
    """Yield the destination, gateway and metric of each route."""
    for gateway in attachment.gateways:
        by = "" if gateway in ON_LINK.values() else gateway
        yield "::/0" if ":" in gateway else "0.0.0.0/0", by, attachment.metric
    for route in attachment.routes:
        yield route.destination, route.gateway, route.metric
