# SPDX-License-Identifier: GPL-3.0-or-later
"""Set the kernel parameters that a network needs; source: Documentation/networking/ip-sysctl.rst."""

from __future__ import annotations

import os
from collections.abc import Iterator

from ..kernel.net import sysctl
from ..model.network.spec import NetworkRecord

#: Entries of /proc/sys/net/ipv6/conf that are not interfaces, or do not receive router advertisements.
_NO_INTERFACES = ("all", "default", "lo")


def ensure(record: NetworkRecord) -> tuple[sysctl.Changed, ...]:
    """Set missing parameters of the bridge and, unless the network is internal, of the host; return the changes.

    Raises OSError.
    """
    changed = (sysctl.ensure(name, value) for name, value in _wanted(record))
    return tuple(change for change in changed if change is not None)


def filters_bridged(version: int) -> bool:
    """Return whether bridged frames pass the filters of this IP version too (br_netfilter)."""
    tables = {4: "iptables", 6: "ip6tables"}[version]
    return sysctl.read(f"net/bridge/bridge-nf-call-{tables}") == "1"


def _wanted(record: NetworkRecord) -> Iterator[tuple[str, str]]:
    versions = {subnet.version for subnet in record.subnets}
    if 4 in versions:
        yield from _ipv4(record.interface, internal=record.spec.internal)
    if 6 in versions:
        yield from _ipv6(record.interface, internal=record.spec.internal)


def _ipv4(bridge: str, *, internal: bool) -> Iterator[tuple[str, str]]:
    if not internal:
        yield "net/ipv4/ip_forward", "1"  # first, because it also sets that of all interfaces
    # A container in two networks answers through its default route, from the address in the other network, which strict
    # checks would drop.
    yield sysctl.of_interface(4, bridge, "rp_filter"), "2"
    yield sysctl.of_interface(4, bridge, "forwarding"), "0" if internal else "1"
    # Ports are reachable at 127.0.0.1 of the host; packets from a bridge to that address are dropped (``rules``).
    yield sysctl.of_interface(4, bridge, "route_localnet"), "0" if internal else "1"


def _ipv6(bridge: str, *, internal: bool) -> Iterator[tuple[str, str]]:
    yield sysctl.of_interface(6, bridge, "disable_ipv6"), "0"
    # A bridge without ports has no carrier, so duplicate address detection would run only with the first container.
    yield sysctl.of_interface(6, bridge, "accept_dad"), "0"
    yield sysctl.of_interface(6, bridge, "accept_ra"), "0"
    if not internal:
        yield from _forward_ipv6()


def _forward_ipv6() -> Iterator[tuple[str, str]]:
    if sysctl.read("net/ipv6/conf/all/forwarding") != "0":
        return  # there is no IPv6, or it is forwarded already
    # A router ignores router advertisements, and the kernel drops its default route from one, unless accept_ra is 2: the host
    # would lose its own default route.
    for interface in os.listdir("/proc/sys/net/ipv6/conf"):
        name = sysctl.of_interface(6, interface, "accept_ra")
        if interface not in _NO_INTERFACES and sysctl.read(name) == "1":
            yield name, "2"
    yield "net/ipv6/conf/all/forwarding", "1"
