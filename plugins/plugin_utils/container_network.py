# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell where a container is reached, out of what podman inspect shows of it (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def network_facts(shape: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inventory's variables about a container's network.

    ``slipway_address`` is its first address, of IPv4 before IPv6, "" without any. ``slipway_ports`` maps published ports
    (``80/tcp``) to the first port of the host for each. An agent of before networks were known tells of neither.
    """
    settings = shape.get("NetworkSettings") or {}
    ports = {
        port: int(bound[0]["HostPort"]) for port, bound in (settings.get("Ports") or {}).items() if bound
    }
    found = _addresses(settings.get("Networks") or {})
    return {"slipway_address": next(found, ""), "slipway_ports": ports}


def _addresses(networks: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for key in ("IPAddress", "GlobalIPv6Address"):
        for network in networks.values():
            if network.get(key):
                yield network[key]
