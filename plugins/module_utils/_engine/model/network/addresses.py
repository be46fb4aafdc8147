# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse addresses, subnets, ranges and routes into their canonical spelling (pure)."""

from __future__ import annotations

import ipaddress
from typing import Union

from ...errors import InvalidOption
from ..values.text import decimal, plain_text
from .spec import Route, Subnet

Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]
Net = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]

#: A subnet must have room for its gateway and one container: at least /30 and /126.
_LEAST_HOST_BITS = 2
#: A number of 32 bits (RTA_PRIORITY, rtnetlink(7)).
LARGEST_METRIC = 2**32 - 1
_LINK_LOCAL_6 = ipaddress.ip_network("fe80::/10")


def parse_address(option: str, value: object) -> Address:
    """Parse an IPv4 or IPv6 address without a zone. Raises InvalidOption."""
    try:
        return ipaddress.ip_address(_without_zone(plain_text(option, value).strip()))
    except ValueError:
        raise InvalidOption(
            option, value, "is not an IP address", remedy="Write it as 192.0.2.1 or 2001:db8::1"
        ) from None


def parse_net(option: str, value: object) -> Net:
    """Parse a network and clear its host bits, as podman does. Raises InvalidOption."""
    address, slash, prefix = plain_text(option, value).strip().partition("/")
    try:
        # Without a prefix it would be a single address, which cannot be intended.
        return ipaddress.ip_network(_without_zone(f"{address}/{prefix if slash else '?'}"), strict=False)
    except ValueError:
        raise InvalidOption(
            option,
            value,
            "is not a network",
            remedy="Write it with its prefix, as 10.1.0.0/24 or fd00:1::/64",
        ) from None


def parse_subnet(subnet: object, gateway: object = "", ip_range: object = "") -> Subnet:
    """Parse a subnet, and check that its gateway and range are in it. Raises InvalidOption, naming the option."""
    net = parse_net("subnet", subnet)
    _check_usable(net, subnet)
    start, end = _range(net, ip_range) if ip_range else ("", "")
    return Subnet(str(net), _gateway(net, gateway) if gateway else "", start, end)


def first_address(subnet: str) -> str:
    """Return the first host address, which is the default gateway."""
    return str(ipaddress.ip_network(subnet)[1])


def overlap(one: str, other: str) -> bool:
    """Return whether two networks have an address in common."""
    first, second = ipaddress.ip_network(one), ipaddress.ip_network(other)
    return first.version == second.version and first.overlaps(second)


def contains(outer: str, inner: str) -> bool:
    """Return whether a network or an address is part of another network, or equal to it."""
    first, second = ipaddress.ip_network(outer), ipaddress.ip_network(inner)
    return first.version == second.version and second.subnet_of(first)  # type: ignore[arg-type]


def parse_route(option: str, value: object) -> Route:
    """Parse a route, ``destination,gateway`` or ``destination,gateway,metric``. Raises InvalidOption."""
    words = [word.strip() for word in plain_text(option, value).split(",")]
    if len(words) not in (2, 3):
        raise InvalidOption(
            option, value, "is not a route", remedy="Write destination,gateway or destination,gateway,metric"
        )
    destination, gateway = parse_net(option, words[0]), parse_address(option, words[1])
    if destination.version != gateway.version:
        raise InvalidOption(
            option, value, "mixes IPv4 and IPv6", remedy="Name a gateway of the destination's IP version"
        )
    return Route(str(destination), str(gateway), _metric(option, words[2]) if words[2:] else 0)


def _without_zone(text: str) -> str:
    """Return the text. Raises ValueError for a zone (fe80::1%eth0), which is meaningful only on one host."""
    if "%" in text:
        raise ValueError("a zone")
    return text


def _metric(option: str, text: str) -> int:
    number = decimal(text, most=LARGEST_METRIC)
    if number is None:
        raise InvalidOption(
            option, text, "is not a metric", remedy=f"Write a number from 0 to {LARGEST_METRIC}"
        )
    return number


def _check_usable(net: Net, value: object) -> None:
    if net.max_prefixlen - net.prefixlen < _LEAST_HOST_BITS:
        raise InvalidOption(
            "subnet",
            value,
            "has no room for a gateway and a container",
            remedy=f"Write a prefix of at most {net.max_prefixlen - _LEAST_HOST_BITS}",
        )
    if net.is_multicast or net.is_loopback or net.prefixlen == 0 or contains(str(_LINK_LOCAL_6), str(net)):
        raise InvalidOption(
            "subnet", value, "is reserved", remedy="Choose a subnet of a private range, as in 10.1.0.0/24"
        )


def _gateway(net: Net, value: object) -> str:
    gateway = parse_address("gateway", value)
    _check_inside("gateway", value, net, gateway)
    if gateway == net[0] or (gateway.version == 4 and gateway == net[-1]):
        raise InvalidOption(
            "gateway",
            value,
            f"is not a host address of {net}",
            remedy=f"Write {net[1]}, or leave it out",
        )
    return str(gateway)


def _range(net: Net, value: object) -> tuple[str, str]:
    """Return the first and last address of a range, which is a network or ``first-last``."""
    text = plain_text("ip_range", value)
    if "-" in text:
        first, last = (parse_address("ip_range", part) for part in text.split("-", 1))
    else:
        part = parse_net("ip_range", text)
        first, last = part[0 if part.num_addresses == 1 else 1], part[-1]
    for address in (first, last):
        _check_inside("ip_range", value, net, address)
    if int(first) > int(last):
        raise InvalidOption("ip_range", value, "ends before it begins", remedy="Write FIRST-LAST")
    return str(first), str(last)


def _check_inside(option: str, value: object, net: Net, address: Address) -> None:
    if address not in net:
        last = net[-2 if net.version == 4 else -1]
        raise InvalidOption(
            option, value, f"is not in the subnet {net}", remedy=f"Name addresses from {net[1]} to {last}"
        )
