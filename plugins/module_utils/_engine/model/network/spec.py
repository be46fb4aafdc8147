# SPDX-License-Identifier: GPL-3.0-or-later
"""The specification of a network in canonical form, and the record of a network that exists.

Sources: podman-network-create(1), podman-network-inspect(1); libpod's types.Network.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ...frozen import dataclass, field
from ..values import typed

#: The characters of an address: enough to detect a damaged row, without importing ``ipaddress`` at each start of a container.
_ADDRESS = re.compile(r"[0-9a-f.:/]*", re.ASCII)

BRIDGE, MACVLAN, IPVLAN, CNI = "bridge", "macvlan", "ipvlan", "cni"


class Subnet(NamedTuple):
    """A subnet in CIDR notation, its gateway, and the first and last address to assign; "" is unset."""

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
    """A network as requested. Without ``subnets``, the engine chooses; with ``interface`` "", its name derives from the ID.

    ``options`` are those of the driver, with podman's names and in canonical form: mtu, vlan, isolate, metric, mode, parent,
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

    @property
    def is_routed(self) -> bool:
        """Return whether the host routes for the containers without a gateway: ipvlan in layer 3 has no ARP."""
        return self.driver == IPVLAN and self.options.get("mode") in ("l3", "l3s")

    @property
    def takes_ports(self) -> bool:
        """Return whether the engine can publish ports of the network's containers on the host.

        It cannot for internal networks; for macvlan and ipvlan, because the host cannot reach their interfaces; for an existing
        bridge, for which the engine has no rules; and for CNI plugins, which publish ports themselves.
        """
        return self.driver == BRIDGE and not self.internal and self.options.get("mode") != "unmanaged"

    @property
    def is_hosts_own(self) -> bool:
        """Return whether the network is one that the host is already part of: macvlan, ipvlan or an existing bridge."""
        return self.driver in (MACVLAN, IPVLAN) or self.options.get("mode") == "unmanaged"

    def encode(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            **vars(self),
            "subnets": encode_subnets(self.subnets),
            "routes": [route._asdict() for route in self.routes],
        }

    @classmethod
    def decode(cls, data: Mapping[str, Any]) -> NetworkSpec:
        """Decode the JSON form. Raises TypeError, LookupError or ValueError for anything else."""
        spec = cls(
            **{
                **data,
                "subnets": decode_subnets(data["subnets"]),
                "dns_servers": tuple(data["dns_servers"]),
                "routes": tuple(Route(**one) for one in data["routes"]),
            }
        )
        typed.check(spec, vars(spec))
        return spec


@dataclass(frozen=True)
class NetworkRecord:
    """A row of table ``networks``. ``interface`` and ``subnets`` are those in use, requested or chosen.

    ``id`` has 64 hex digits. ``removing``: its removal has begun.
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


class Attached(NamedTuple):
    """A container that is attached to a network: its interface, and its addresses without prefix length.

    ``subnets`` are those reported by CNI plugins, which the network itself does not know.
    """

    container_id: str
    name: str
    interface: str
    mac: str
    addresses: tuple[str, ...] = ()
    subnets: tuple[Subnet, ...] = ()


def encode_subnets(subnets: Iterable[Subnet]) -> list[dict[str, str]]:
    """Return the JSON form."""
    return [subnet._asdict() for subnet in subnets]


def decode_subnets(data: Iterable[Mapping[str, str]]) -> tuple[Subnet, ...]:
    """Decode the JSON form. Raises TypeError or ValueError for anything else."""
    subnets = tuple(Subnet(**one) for one in data)
    for text in (text for subnet in subnets for text in subnet):
        if not _ADDRESS.fullmatch(text):
            raise ValueError(f"{text[:80]!r} is not an address")
    return subnets
