# SPDX-License-Identifier: GPL-3.0-or-later
"""A container's networks in the shape of ``podman inspect`` (libpod's InspectNetworkSettings); pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

from ...model.container import networks as grammar
from ...model.container import status
from ...model.engine.record import ContainerRecord
from ...model.network import ports as portgrammar
from ...model.network.spec import NetworkRecord
from ...model.network.wiring import Endpoint, Port
from ...plan import addresses

#: Podman's name of the network mode of a container that is attached to networks.
_BRIDGE = "bridge"
_NO_ADDRESSES = {
    "EndpointID": "",
    "Gateway": "",
    "IPAddress": "",
    "IPPrefixLen": 0,
    "IPv6Gateway": "",
    "GlobalIPv6Address": "",
    "GlobalIPv6PrefixLen": 0,
    "MacAddress": "",
}


def network_settings(
    record: ContainerRecord,
    attached: Sequence[tuple[Endpoint, NetworkRecord]],
    exposed: Sequence[str],
    path: str,
) -> dict[str, Any]:
    """Return ``NetworkSettings``, with addresses while the container is alive.

    ``path`` is the path of its network namespace.
    """
    lives = record.status in status.ALIVE
    shown = {network.name: _endpoint(record, kept, network, lives=lives) for kept, network in attached}
    first = next(iter(shown.values()), {})
    return {
        **{key: first.get(key, value) for key, value in _NO_ADDRESSES.items()},
        "Ports": {**_unpublished(exposed if attached else ()), **bindings(record.ports)},
        "SandboxKey": path if lives else "",
        **({"Networks": shown} if shown else {}),  # podman omits it when it is empty
    }


def host_config(
    record: ContainerRecord, attached: Sequence[tuple[Endpoint, NetworkRecord]]
) -> dict[str, Any]:
    """Return the network keys of ``HostConfig``."""
    hosts = record.spec.etc_hosts or {}
    return {
        "NetworkMode": _BRIDGE if attached else ",".join(record.spec.network),
        "PortBindings": bindings(record.ports),
        "ExtraHosts": [f"{name}:{address}" for name, address in hosts.items()],
    }


def bindings(ports: Sequence[Port]) -> dict[str, Any]:
    """Return the published ports: a map of ``80/tcp`` to ``[{"HostIp": "", "HostPort": "8080"}]``."""
    found: dict[str, list[dict[str, str]]] = {}
    for port in ports:
        shown = {"HostIp": port.host_ip, "HostPort": str(port.host_port)}
        found.setdefault(f"{port.container_port}/{port.protocol}", []).append(shown)
    return found


def _unpublished(exposed: Sequence[str]) -> dict[str, Any]:
    return {f"{number}/{protocol}": None for protocol, number in portgrammar.exposed(exposed)}


def _endpoint(
    record: ContainerRecord, kept: Endpoint, network: NetworkRecord, *, lives: bool
) -> Mapping[str, Any]:
    shown = {
        **_NO_ADDRESSES,
        "NetworkID": network.name,
        "DriverOpts": None,
        "IPAMConfig": None,
        "Links": None,
        "Aliases": [*grammar.aliases(record.spec, network.name), record.id[:12]],
    }
    if not lives:
        return shown
    shown["MacAddress"] = kept.mac
    for address in kept.addresses:
        home = addresses.home_of(network.subnets, address)
        if home is not None:
            shown.update(_address(address, home.gateway, ipaddress.ip_network(home.subnet).prefixlen))
    return shown


def _address(address: str, gateway: str, length: int) -> dict[str, Any]:
    if ":" in address:
        return {"IPv6Gateway": gateway, "GlobalIPv6Address": address, "GlobalIPv6PrefixLen": length}
    return {"Gateway": gateway, "IPAddress": address, "IPPrefixLen": length}
