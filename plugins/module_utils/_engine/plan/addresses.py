# SPDX-License-Identifier: GPL-3.0-or-later
"""Assign addresses in networks to containers; pure.

As in libpod, the default is the lowest free address (netavark's host-local), and a container keeps the address that it had.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Mapping
from typing import Union

from ..errors import HostLacks, InUse, InvalidOption
from ..model.network.spec import Subnet

#: The owner of an address that belongs to the host.
HOST = ""

_Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]


class NoFreeAddress(HostLacks):
    """All addresses of a network are assigned."""

    code = "no_free_address"


def choose(network: str, subnet: Subnet, taken: Collection[str], preferred: str = "") -> str:
    """Return the preferred address if it is free, otherwise the subnet's lowest free one. Raises NoFreeAddress."""
    if preferred and preferred not in taken and _is_in(subnet, ipaddress.ip_address(preferred)):
        return preferred
    first, last = _bounds(subnet)
    used = {int(ipaddress.ip_address(address)) for address in taken}
    used |= {int(ipaddress.ip_address(subnet.gateway))} if subnet.gateway else set()
    number = next((number for number in range(first, last + 1) if number not in used), None)
    if number is None:
        raise NoFreeAddress(
            f"network {network} has no free address in {subnet.subnet}",
            remedy="Remove containers from it, or create a network with a larger subnet",
            network=network,
            subnet=subnet.subnet,
        )
    return str(_make(subnet, number))


def asked(option: str, network: str, subnets: Collection[Subnet], ip: str, taken: Mapping[str, str]) -> str:
    """Check an address that a task requests, and return it. Raises InvalidOption if it is not usable, InUse if taken."""
    address = ipaddress.ip_address(ip)
    home = next(
        (subnet for subnet in subnets if address in ipaddress.ip_network(subnet.subnet)),
        None,
    )
    if home is None:
        known = ", ".join(subnet.subnet for subnet in subnets) or "none"
        raise InvalidOption(
            option, ip, f"is in no subnet of network {network}", remedy=f"Choose an address in: {known}"
        )
    net = ipaddress.ip_network(home.subnet)
    if ip == home.gateway or address in _ends(net):
        what = "is the gateway" if ip == home.gateway else "is not a host address"
        raise InvalidOption(option, ip, f"{what} of network {network}", remedy="Choose another address")
    if ip in taken:
        owner = taken[ip]
        whose = "an address of the host" if owner == HOST else f"the address of container {owner}"
        raise InUse(
            f"{option}: {ip} in network {network} is {whose}",
            remedy="Choose another address, or leave it out",
            address=ip,
            network=network,
            users=[owner] if owner != HOST else [],
        )
    return ip


def prefixed(subnet: Subnet, address: str) -> str:
    """Return the address with the subnet's prefix length."""
    return f"{address}/{ipaddress.ip_network(subnet.subnet).prefixlen}"


def home_of(subnets: Collection[Subnet], address: str) -> Subnet | None:
    """Return the subnet that an address is in."""
    one = ipaddress.ip_address(address)
    return next((subnet for subnet in subnets if one in ipaddress.ip_network(subnet.subnet)), None)


def _is_in(subnet: Subnet, address: _Address) -> bool:
    first, last = _bounds(subnet)
    same = (address.version == 6) == (":" in subnet.subnet)
    return same and first <= int(address) <= last and str(address) != subnet.gateway


def _bounds(subnet: Subnet) -> tuple[int, int]:
    """Return the first and last assignable address as numbers: the network's range, without network and broadcast address."""
    net = ipaddress.ip_network(subnet.subnet)
    first, last = int(net.network_address), int(net.broadcast_address)
    if net.num_addresses > 2:
        first, last = first + 1, last - (1 if net.version == 4 else 0)
    if subnet.start:
        first = max(first, int(ipaddress.ip_address(subnet.start)))
    if subnet.end:
        last = min(last, int(ipaddress.ip_address(subnet.end)))
    return first, last


def _ends(net: ipaddress.IPv4Network | ipaddress.IPv6Network) -> tuple[_Address, ...]:
    if net.num_addresses <= 2:
        return ()
    return (net.network_address, net.broadcast_address) if net.version == 4 else (net.network_address,)


def _make(subnet: Subnet, number: int) -> _Address:
    return ipaddress.IPv6Address(number) if ":" in subnet.subnet else ipaddress.IPv4Address(number)
