# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse a task's options of a network, one by one (pure).

An unset option is not the same as an empty one: an existing network keeps what a task leaves unset. The result therefore names
the unset fields, and whole.py checks and completes a spec once they are decided. Sources: podman-network-create(1); the
options are those of ``containers.podman.podman_network``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any, NamedTuple

from ...errors import InvalidOption, NotBuiltYet, Setting, Words
from ..values.names import check_name, near
from . import driver_options
from .addresses import parse_address, parse_route, parse_subnet
from .driver_options import same
from .interfaces import check_interface
from .spec import BRIDGE, CNI, IPVLAN, MACVLAN, NetworkSpec, Subnet
from .whole import NO_IPAM

DRIVERS = (BRIDGE, MACVLAN, IPVLAN, CNI)
#: IPAM drivers: host-local is the engine (stored as unset).
HOST_LOCAL, DHCP = "host-local", "dhcp"
IPAM_DRIVERS = (HOST_LOCAL, DHCP, NO_IPAM)


#: Words with a meaning in a container's option ``network``, here or in podman (podman-run(1)).
_RESERVED = frozenset("none host private bridge container ns default pasta slirp4netns".split())
#: The fields of a spec that a task may leave unset.
_OPEN = frozenset("driver interface subnets ipv6 internal dns dns_servers routes ipam_driver options".split())


class Asked(NamedTuple):
    """The spec that a task requests; ``unset`` names the fields that it leaves unset, which have the defaults here."""

    spec: NetworkSpec
    unset: frozenset[str] = frozenset()


def parse(given: Mapping[str, Any]) -> Asked:
    """Parse the options of a task except its labels; a missing option or None is unset.

    Raises InvalidOption or NotBuiltYet, naming the option.
    """
    name = check_name("name", given["name"])
    if name in _RESERVED:
        raise InvalidOption(
            "name",
            name,
            "is reserved: it has a meaning as a container's network",
            remedy="Choose another name",
        )
    fields = dict(_fields(given))
    if "subnets" in fields:
        fields.setdefault("ipv6", False)  # named subnets are complete, unless the task asks for ipv6
    return Asked(NetworkSpec(name, **fields), _OPEN - fields.keys())


def _fields(given: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the fields of the spec that the task sets."""
    read = driver_options.parse(given.get("opt"))
    parent, options = given.get("macvlan"), dict(read.options)
    if parent is not None:
        options["parent"] = same("macvlan", check_interface("macvlan", parent), options.get("parent", ""))
    if given.get("opt") is not None or parent is not None:
        yield "options", options
    if (driver := _driver(given.get("driver"), parent)) is not None:
        yield "driver", driver
    if (interface := _interface(given.get("interface_name"), read.interface)) is not None:
        yield "interface", interface
    if (subnets := _subnets(given)) is not None:
        yield "subnets", subnets
    yield from _plain(given)


def _plain(given: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for option in ("ipv6", "internal"):
        if given.get(option) is not None:
            yield option, bool(given[option])
    if given.get("disable_dns") is not None:
        yield "dns", not given["disable_dns"]
    if given.get("dns") is not None:
        yield "dns_servers", tuple(dict.fromkeys(str(parse_address("dns", one)) for one in given["dns"]))
    if given.get("route") is not None:
        yield "routes", tuple(sorted({parse_route("route", one) for one in given["route"]}))
    if given.get("ipam_driver") is not None:
        yield "ipam_driver", _ipam(given["ipam_driver"])


def _driver(value: object, parent: object) -> str | None:
    if value is not None and value not in DRIVERS:
        found = near(str(value), DRIVERS)
        hint = f"; near: {', '.join(found)}" if found else ""
        raise InvalidOption("driver", value, f"is not known{hint}", remedy=f"Known: {', '.join(DRIVERS)}")
    if parent is not None:
        return same("driver", MACVLAN, "" if value is None else str(value))
    return None if value is None else str(value)


def _interface(name: object, other: str) -> str | None:
    if name is None:
        return other or None
    return same("interface_name", check_interface("interface_name", name), other)


def _ipam(value: object) -> str:
    if value not in IPAM_DRIVERS:
        raise InvalidOption("ipam_driver", value, "is not known", remedy=f"Known: {', '.join(IPAM_DRIVERS)}")
    if value == DHCP:
        raise NotBuiltYet(
            Words(Setting("ipam_driver", DHCP), ": not implemented"),
            remedy="Leave it out, and name a subnet and a range that the DHCP server does not assign",
            option="ipam_driver",
            options=["ipam_driver"],
        )
    return "" if value == HOST_LOCAL else str(value)


def _subnets(given: Mapping[str, Any]) -> tuple[Subnet, ...] | None:
    """Combine ``subnet``, ``gateway`` and ``ip_range`` by their order, or parse ``net_config``."""
    subnets, gateways, ranges = (_list(given.get(name)) for name in ("subnet", "gateway", "ip_range"))
    if given.get("net_config") is not None:
        if subnets or gateways or ranges:
            raise InvalidOption(
                "net_config",
                None,
                "cannot be combined with subnet, gateway or ip_range",
                remedy="Keep one of the two",
            )
        return tuple(
            parse_subnet(one.get("subnet"), one.get("gateway") or "", one.get("ip_range") or "")
            for one in given["net_config"]
        )
    for option, values in (("gateway", gateways), ("ip_range", ranges)):
        if len(values) > len(subnets):
            raise InvalidOption(
                option,
                values[len(subnets)],
                "has no subnet",
                remedy="Name a subnet for each, in the same order",
            )
    if given.get("subnet") is None:
        return None
    return tuple(parse_subnet(*one) for one in zip_longest(subnets, gateways, ranges, fillvalue=""))


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
