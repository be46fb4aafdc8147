# SPDX-License-Identifier: GPL-3.0-or-later
"""Check a network's spec as a whole, and add the defaults that do not depend on the host (pure)."""

from __future__ import annotations

from itertools import combinations

from ...errors import InvalidOption, Setting, Words
from ...frozen import replace
from . import driver_options
from .addresses import contains, first_address, overlap
from .driver_options import UNMANAGED, same
from .spec import BRIDGE, CNI, IPVLAN, MACVLAN, NetworkSpec, Subnet

#: The IPAM driver that assigns no addresses. Unset is the engine.
NO_IPAM = "none"
#: Drivers whose interfaces are directly on the host's network, attached to an interface of the host, their parent.
ON_PARENT = (MACVLAN, IPVLAN)
#: The minimum MTU of IPv6 (RFC 8200, section 5).
_LEAST_MTU_6 = 1280


def whole(spec: NetworkSpec) -> NetworkSpec:
    """Return a spec in canonical form, complete except for what the engine chooses.

    Raises InvalidOption for options that contradict each other.
    """
    spec = _with_parent(spec)
    options = driver_options.settle(spec.driver, spec.options)
    named = spec.ipam_driver != NO_IPAM
    spec = replace(spec, options=options, dns=spec.dns and named)
    _check_plugins(spec)
    spec = replace(spec, subnets=tuple(with_gateway(spec, subnet) for subnet in spec.subnets))
    _check_ipam(spec)
    _check_subnets(spec)
    _check_dns(spec)
    _check_bridge(spec)
    check_routes(spec, spec.subnets)
    both = {subnet.version for subnet in spec.subnets} == {4, 6}
    return replace(spec, ipv6=spec.ipv6 and not both and spec.ipam_driver != NO_IPAM)


def check_routes(spec: NetworkSpec, subnets: tuple[Subnet, ...]) -> None:
    """Check that the gateway of each route is in a subnet: the kernel refuses others. Raises InvalidOption."""
    for route in spec.routes:
        if subnets and not any(contains(subnet.subnet, route.gateway) for subnet in subnets):
            raise InvalidOption(
                "route",
                f"{route.destination},{route.gateway}",
                "has a gateway that is in no subnet of the network",
                remedy=f"Name one in {' or '.join(subnet.subnet for subnet in subnets)}",
            )


def missing_versions(spec: NetworkSpec) -> tuple[int, ...]:
    """Return the IP versions for which the engine chooses a subnet: like podman, 4 if none is named, both with ``ipv6``."""
    if spec.ipam_driver == NO_IPAM or spec.driver == CNI:
        return ()
    there = {subnet.version for subnet in spec.subnets}
    wanted = {4, 6} if spec.ipv6 else set() if there else {4}
    return tuple(sorted(wanted - there))


def _with_parent(spec: NetworkSpec) -> NetworkSpec:
    """Return the spec with ``interface_name`` as the parent for macvlan and ipvlan, as in podman."""
    if spec.driver not in ON_PARENT or not spec.interface:
        return spec
    parent = same("interface_name", spec.interface, spec.options.get("parent", ""))
    return replace(spec, interface="", options={**spec.options, "parent": parent})


def with_gateway(spec: NetworkSpec, subnet: Subnet) -> Subnet:
    """Return the subnet with its gateway; like in podman, internal networks without DNS and ipvlan in layer 3 have none."""
    closed = spec.internal and not spec.dns
    if subnet.gateway or closed or spec.is_routed:
        return subnet
    return subnet._replace(gateway=first_address(subnet.subnet))


def _check_plugins(spec: NetworkSpec) -> None:
    """Check that no option is set that CNI plugins decide. Raises InvalidOption."""
    given = {
        "subnet": spec.subnets,
        "ipv6": spec.ipv6,
        "internal": spec.internal,
        "dns": spec.dns_servers,
        "route": spec.routes,
        "ipam_driver": spec.ipam_driver,
        "interface_name": spec.interface,
    }
    found = next((option for option, value in given.items() if value), None)
    if spec.driver == CNI and found is not None:
        raise InvalidOption(
            found,
            None,
            f"is decided by the plugins of driver {CNI}",
            remedy="Leave it out, and set it in the list of plugins",
        )


def _check_ipam(spec: NetworkSpec) -> None:
    if spec.ipam_driver == NO_IPAM and spec.subnets:
        raise InvalidOption(
            "ipam_driver", NO_IPAM, "cannot be combined with subnet", remedy="Leave out one of the two"
        )
    if spec.driver in ON_PARENT and spec.ipam_driver != NO_IPAM and not spec.subnets:
        raise InvalidOption(
            "subnet",
            None,
            f"is required with driver {spec.driver}",
            remedy=Words(
                "Name the subnet of the parent's network, or write ", Setting("ipam_driver", NO_IPAM)
            ),
        )


def _check_subnets(spec: NetworkSpec) -> None:
    for one, other in combinations(spec.subnets, 2):
        if overlap(one.subnet, other.subnet):
            raise InvalidOption(
                "subnet", other.subnet, f"overlaps {one.subnet}", remedy="Keep one of the two"
            )
    mtu = int(spec.options.get("mtu", _LEAST_MTU_6))
    if mtu < _LEAST_MTU_6 and (spec.ipv6 or any(subnet.version == 6 for subnet in spec.subnets)):
        raise InvalidOption("opt.mtu", mtu, "is too small for IPv6", remedy=f"Write {_LEAST_MTU_6} or more")


def _check_dns(spec: NetworkSpec) -> None:
    if spec.dns_servers and not spec.dns:
        raise InvalidOption(
            "dns",
            spec.dns_servers[0],
            "requires DNS, which this network has disabled",
            remedy="Leave it out",
        )


def _check_bridge(spec: NetworkSpec) -> None:
    if spec.options.get("mode") == UNMANAGED and spec.driver == BRIDGE and not spec.interface:
        raise InvalidOption(
            "interface_name", None, "is required with the mode unmanaged", remedy="Name a bridge of the host"
        )
