# SPDX-License-Identifier: GPL-3.0-or-later
"""A network in the shape of ``podman network inspect``; pure. docs/results.md documents it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ...model.network.addresses import contains
from ...model.network.grammar import HOST_LOCAL
from ...model.network.spec import CNI, Attached, NetworkRecord, Subnet
from ...model.values.times import rfc3339


def network_shape(record: NetworkRecord, attached: Sequence[Attached] = ()) -> dict[str, Any]:
    """Return the network with the containers that are attached to it.

    podman omits empty keys; here every key is present. ``used_by``, the names of the containers, is not podman's.
    """
    spec = record.spec
    return {
        "name": spec.name,
        "id": record.id,
        "driver": spec.driver,
        "network_interface": record.interface or spec.options.get("parent", ""),
        "created": rfc3339(record.created),
        "subnets": [_subnet(subnet) for subnet in record.subnets],
        "routes": [route._asdict() for route in spec.routes],
        "ipv6_enabled": any(subnet.version == 6 for subnet in record.subnets),
        "internal": spec.internal,
        "dns_enabled": spec.dns,
        "network_dns_servers": [*spec.dns_servers],
        "labels": dict(spec.labels),
        "options": {name: text for name, text in spec.options.items() if name != "parent"},
        "ipam_options": {"driver": CNI if spec.driver == CNI else spec.ipam_driver or HOST_LOCAL},
        "containers": {one.container_id: _container(one, one.subnets or record.subnets) for one in attached},
        "used_by": [one.name for one in attached],
    }


def _subnet(subnet: Subnet) -> dict[str, Any]:
    lease = {"lease_range": {"start_ip": subnet.start, "end_ip": subnet.end}} if subnet.start else {}
    gateway = {"gateway": subnet.gateway} if subnet.gateway else {}
    return {"subnet": subnet.subnet, **gateway, **lease}


def _container(one: Attached, subnets: Iterable[Subnet]) -> dict[str, Any]:
    found = [
        (address, subnet)
        for address in one.addresses
        for subnet in subnets
        if contains(subnet.subnet, address)
    ]
    told = [{"ipnet": _ipnet(address, subnet), "gateway": subnet.gateway} for address, subnet in found]
    return {"name": one.name, "interfaces": {one.interface: {"mac_address": one.mac, "subnets": told}}}


def _ipnet(address: str, subnet: Subnet) -> str:
    return f"{address}/{subnet.subnet.partition('/')[2]}"
