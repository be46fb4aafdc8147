# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel is told of a container in its networks: all of it resolved, nothing left to choose."""

from __future__ import annotations

from typing import NamedTuple

from ...frozen import replace
from .spec import NetworkRecord, Route, Subnet

TCP, UDP, SCTP = "tcp", "udp", "sctp"
#: The addresses that stand for no gateway, by IP version.
ON_LINK = {4: "0.0.0.0", 6: "::"}  # noqa: S104  (nothing listens there)


class Attachment(NamedTuple):
    """One interface of a container in a network.

    ``interface`` is its name in the container, ``host_interface`` the name of the other end on the host. ``addresses`` are in
    CIDR notation with the subnet's prefix length. ``gateways`` get default routes, at most one for each IP version; one of
    ``ON_LINK`` is the route of an interface that leads everywhere by itself.
    ``mtu`` 0 and ``metric`` 0 are the kernel's defaults.
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
    """What a container has of a network, as long as it is there: ``addresses`` are without prefix length, the IPv4 one first.

    ``subnets``, one for each address, and the servers ``dns`` are those of a network whose plugins (CNI) alone know them, as they
    were told at the last start.
    """

    network_id: str
    interface: str
    mac: str
    addresses: tuple[str, ...]
    subnets: tuple[Subnet, ...] = ()
    dns: tuple[str, ...] = ()

    def seen_from(self, network: NetworkRecord) -> NetworkRecord:
        """Return the network as it is for this container: with the subnets and servers that plugins have told."""
        if not self.subnets:
            return network
        return replace(network, subnets=self.subnets, spec=replace(network.spec, dns_servers=self.dns))


class Port(NamedTuple):
    """A range of ``count`` published ports. ``host_ip`` "" is any address of the host, of both IP versions."""

    protocol: str
    host_ip: str
    host_port: int
    container_port: int
    count: int = 1  # type: ignore[assignment]  # hides a method of tuple that nobody calls


class Publication(NamedTuple):
    """The ports of one container, and the addresses (without prefix length) that they lead to, at most one for each version."""

    container_id: str
    addresses: tuple[str, ...]
    ports: tuple[Port, ...]

    @property
    def leads(self) -> bool:
        """Tell whether there is a port, and an address that it leads to."""
        return bool(self.ports and self.addresses)
