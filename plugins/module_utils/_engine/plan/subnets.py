# SPDX-License-Identifier: GPL-3.0-or-later
"""Choose free subnets, and refuse those in use; pure.

A chosen subnet overlaps no route of the host except default routes. A requested subnet may lie within a wider route to a gateway,
because it is more specific; it conflicts with equal and narrower routes, and with all directly connected ones.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ..errors import CHANGES_THAT, EngineError
from ..model.network.addresses import contains, overlap
from ..model.network.driver_options import UNMANAGED
from ..model.network.spec import NetworkRecord, NetworkSpec, Subnet
from ..model.network.whole import ON_PARENT, missing_versions, with_gateway

#: podman's pools first (containers.conf(5), default_subnet_pools), then the other private ranges (RFC 1918).
_POOLS = (
    ("10.89.0.0", "10.255.255.255"),
    ("172.16.0.0", "172.31.255.255"),
    ("192.168.0.0", "192.168.255.255"),
)
_BITS = 8  # each subnet is a /24
#: Digits of an ID in a unique local prefix: 56 random bits after fd (RFC 4193).
_ULA_DIGITS = 14


class SubnetInUse(EngineError):
    """A subnet overlaps another network (field ``network``) or a route of the host (field ``route``)."""

    code = "subnet_in_use"
    mended_by = CHANGES_THAT


class HostRoute(NamedTuple):
    """A route of the host to ``destination`` in CIDR notation; ``gateway`` "" if it is directly connected."""

    destination: str
    interface: str
    gateway: str = ""

    @property
    def is_default(self) -> bool:
        """Return whether it is a default route, which does not conflict with any subnet."""
        return self.destination.endswith("/0")

    def __str__(self) -> str:
        via = f" via {self.gateway}" if self.gateway else ""
        return f"{self.destination}{via} dev {self.interface}"


class Taken(NamedTuple):
    """What a new network must not conflict with: all other networks, and the host's routes and interfaces."""

    networks: tuple[NetworkRecord, ...] = ()
    routes: tuple[HostRoute, ...] = ()
    interfaces: frozenset[str] = frozenset()

    def without(self, record: NetworkRecord) -> Taken:
        """Return the same without this network, its interface and its routes."""
        mine = record.interface if record.spec.options.get("mode") != UNMANAGED else ""
        return Taken(
            tuple(one for one in self.networks if one.id != record.id),
            tuple(one for one in self.routes if one.interface != mine),
            self.interfaces - {mine},
        )

    @property
    def destinations(self) -> tuple[HostRoute, ...]:
        """The routes that may conflict with a subnet."""
        return tuple(one for one in self.routes if not one.is_default)


def choose(
    spec: NetworkSpec, identity: str, taken: Taken, *, prefer: Sequence[Subnet] = ()
) -> tuple[Subnet, ...]:
    """Return the subnets of a new network: those requested, and a chosen one for each missing IP version.

    ``prefer``: subnets to use if they are free. ``identity``: 64 hex digits, for an IPv6 prefix. Raises SubnetInUse.
    """
    if spec.driver not in ON_PARENT:
        for subnet in spec.subnets:
            refuse_clash(spec, subnet.subnet, taken)
    used = [*(subnet.subnet for subnet in spec.subnets), *_used(taken)]
    return (
        *spec.subnets,
        *(_free(spec, version, identity, used, prefer) for version in missing_versions(spec)),
    )


def refuse_clash(spec: NetworkSpec, subnet: str, taken: Taken) -> None:
    """Check that a subnet conflicts with neither a network nor a route of the host. Raises SubnetInUse."""
    for record in taken.networks:
        if record.spec.driver not in ON_PARENT and any(overlap(subnet, one.subnet) for one in record.subnets):
            raise _clash(subnet, f"network {record.name}", network=record.name)
    own = spec.interface if spec.options.get("mode") == UNMANAGED else None
    for route in taken.destinations:
        if route.interface != own and _is_in_the_way(subnet, route):
            raise _clash(subnet, f"the host's route {route}", route=str(route))


def _is_in_the_way(subnet: str, route: HostRoute) -> bool:
    if route.gateway:
        return contains(subnet, route.destination)
    return overlap(subnet, route.destination)


def _clash(subnet: str, what: str, **fields: str) -> SubnetInUse:
    return SubnetInUse(
        f"the subnet {subnet} overlaps {what}",
        remedy="Name another subnet, or none, so that a free one is chosen",
        subnet=subnet,
        **fields,
    )


def _used(taken: Taken) -> Iterator[str]:
    yield from (subnet.subnet for record in taken.networks for subnet in record.subnets)
    yield from (route.destination for route in taken.destinations)


def _free(
    spec: NetworkSpec, version: int, identity: str, used: Iterable[str], prefer: Sequence[Subnet]
) -> Subnet:
    wanted = [subnet for subnet in prefer if subnet.version == version]
    free = [subnet for subnet in wanted if not any(overlap(subnet.subnet, one) for one in used)]
    if free:
        return with_gateway(spec, free[0])
    found = next(_free_4(used) if version == 4 else _free_6(identity, used), None)
    if found is None:
        raise SubnetInUse(
            f"no IPv{version} subnet is free: networks and routes of the host cover all private ranges",
            remedy="Name a subnet that containers can use",
        )
    return with_gateway(spec, Subnet(found))


def _free_4(used: Iterable[str]) -> Iterator[str]:
    """Yield the free /24 subnets of the pools, lowest first; each occupied span is skipped in one step."""
    spans = sorted((int(net[0]), int(net[-1])) for net in map(ipaddress.ip_network, used) if net.version == 4)
    for first, last in _POOLS:
        base, end = int(ipaddress.ip_address(first)), int(ipaddress.ip_address(last))
        while base < end:
            top = base + (1 << _BITS) - 1
            hit = max((high for low, high in spans if low <= top and base <= high), default=None)
            if hit is None:
                yield f"{ipaddress.ip_address(base)}/{32 - _BITS}"
                hit = top
            base = ((hit >> _BITS) + 1) << _BITS


def _free_6(identity: str, used: Iterable[str]) -> Iterator[str]:
    """Yield free unique local /64 subnets, derived from the digits of an ID."""
    for start in range(0, len(identity) - _ULA_DIGITS + 1, _ULA_DIGITS):
        digits = "fd" + identity[start : start + _ULA_DIGITS]
        found = str(ipaddress.ip_network((int(digits.ljust(32, "0"), 16), 64)))
        if not any(overlap(found, one) for one in used):
            yield found
