# SPDX-License-Identifier: GPL-3.0-or-later
"""A container's attachments to networks and published ports, as the kernel gets them: resolved, with nothing left to choose."""

from __future__ import annotations

from typing import NamedTuple

from ...frozen import replace
from .spec import NetworkRecord, Route, Subnet

TCP, UDP, SCTP = "tcp", "udp", "sctp"
#: The addresses that stand for no gateway, by IP version.
ON_LINK = {4: "0.0.0.0", 6: "::"}  # noqa: S104  (nothing listens there)


class Attachment(NamedTuple):
    """An interface of a container in a network.

    ``interface`` is its name in the container, ``host_interface`` the name of the other end on the host. ``addresses`` are in
    CIDR notation with the subnet's prefix length. ``gateways`` become default routes, at most one per IP version; an address
    of ``ON_LINK`` stands for a default route on the link, without a gateway. ``mtu`` 0 and ``metric`` 0 are the kernel's
    defaults.
    """

    network_id: str
    interface: str
    host_interface: str
    mac: str
    addresses: tuple[str, ...]
    gateways: tuple[str, ...] = ()
    routes: tuple[Route, ...] = ()
    metric: int = 0
    mtu: int = 0


class Endpoint(NamedTuple):
    """A container's lasting endpoint in a network; ``addresses`` have no prefix length, IPv4 first.

    ``subnets``, one per address, and the servers ``dns`` are set only for networks of CNI plugins, which reported them at the
    last start.
    """

    network_id: str
    interface: str
    mac: str
    addresses: tuple[str, ...]
    subnets: tuple[Subnet, ...] = ()
    dns: tuple[str, ...] = ()

    def seen_from(self, network: NetworkRecord) -> NetworkRecord:
        """Return the network with the subnets and servers that CNI plugins reported for this container, if any."""
        if not self.subnets:
            return network
        return replace(network, subnets=self.subnets, spec=replace(network.spec, dns_servers=self.dns))


class Port(NamedTuple):
    """A range of ``count`` published ports. ``host_ip`` "" is any address of the host, in both IP versions."""

    protocol: str
    host_ip: str
    host_port: int
    container_port: int
    count: int = 1  # type: ignore[assignment]  # hides a method of tuple that is not used


class Publication(NamedTuple):
    """The ports of a container, and the addresses (without prefix length) that they lead to, at most one per IP version."""

    container_id: str
    addresses: tuple[str, ...]
    ports: tuple[Port, ...]

    @property
    def leads(self) -> bool:
        """Return whether there are both ports and addresses that they lead to."""
        return bool(self.ports and self.addresses)
