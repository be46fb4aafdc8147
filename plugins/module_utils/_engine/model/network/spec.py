# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user asks of a network, in canonical form, and what the engine knows of one that it has made.

Sources: podman-network-create(1), podman-network-inspect(1); libpod's types.Network.
"""

from __future__ import annotations

from typing import NamedTuple

from ...frozen import dataclass, field

BRIDGE, MACVLAN, IPVLAN, CNI = "bridge", "macvlan", "ipvlan", "cni"


class Subnet(NamedTuple):
    """A subnet in CIDR notation, its gateway, and the first and last address to give out; "" is unset."""

    subnet: str
    gateway: str = ""
    start: str = ""
    end: str = ""

    @property
    def version(self) -> int:
        """Return 4 or 6."""
        return 6 if ":" in self.subnet else 4


class Route(NamedTuple):
    """A static route of each container of a network; ``metric`` 0 is the kernel's default."""

    destination: str
    gateway: str
    metric: int = 0


@dataclass(frozen=True)
class NetworkSpec:
    """A network as asked for. No ``subnets``: the engine chooses; ``interface`` "": its name derives from the id.

    ``options`` are the driver's own, by podman's names and in canonical form: mtu, vlan, isolate, metric, mode, parent,
    no_default_route.
    """

    name: str
    driver: str = BRIDGE
    interface: str = ""
    subnets: tuple[Subnet, ...] = ()
    ipv6: bool = False
    internal: bool = False
    dns: bool = True
    dns_servers: tuple[str, ...] = ()
    routes: tuple[Route, ...] = ()
    ipam_driver: str = ""
    options: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class NetworkRecord:
    """A row of table ``networks``. ``interface`` and ``subnets`` are those in use, asked for or chosen.

    ``id`` has 64 hex digits. ``removing``: its removal was begun.
    """

    id: str
    spec: NetworkSpec
    interface: str
    subnets: tuple[Subnet, ...]
    created: int
    removing: bool = False

    @property
    def name(self) -> str:
        """Return the network's name."""
        return self.spec.name
