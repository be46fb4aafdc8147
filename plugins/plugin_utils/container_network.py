# SPDX-License-Identifier: GPL-3.0-or-later
"""Derive a container's address and ports from its ``podman inspect`` output; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def network_facts(shape: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inventory variables for a container's network.

    ``slipway_address`` is its first address, IPv4 before IPv6, "" if it has none. ``slipway_ports`` maps each
    published port (``80/tcp``) to its first host port. Agents older than networks report neither.
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
