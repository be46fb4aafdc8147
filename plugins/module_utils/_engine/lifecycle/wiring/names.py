# SPDX-License-Identifier: GPL-3.0-or-later
"""Compose /etc/hosts and /etc/resolv.conf of a container with its own networks; pure.

Sources: podman-run(1) ``--add-host``, ``--dns``, ``--hosts-file``; libpod's addHosts and generateResolvConf.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

from ...model.engine.record import ContainerRecord
from ...model.network import resolver
from ...model.network.spec import BRIDGE, NetworkRecord
from ...model.network.wiring import Endpoint
from ...runtime import files

#: Names of the host in a container (podman-run(1) ``--add-host``).
_HOST_NAMES = ("host.containers.internal", "host.docker.internal")
#: systemd-resolved's file of the real name servers, not its stub on a loopback address (systemd-resolved(8)).
RESOLVED = "/run/systemd/resolve/resolv.conf"
#: podman's fallback if the host has no name server that a container can reach.
_PUBLIC = ("8.8.8.8", "8.8.4.4")
#: The domain that aardvark-dns strips from names; as search domain it makes names without a dot resolve there first.
_SERVED = "dns.podman"


Line = tuple[str, tuple[str, ...]]
#: A container's endpoints, each with its network.
Attached = Sequence[tuple[Endpoint, NetworkRecord]]


def hosts(record: ContainerRecord, hostname: str, attached: Attached, host: str) -> str:
    """Return /etc/hosts; ``host`` is the text of the host's, or of the file that ``hosts_file`` names."""
    spec = record.spec
    if not attached:
        own: list[Line] = [("127.0.1.1", (hostname, record.name))]
        return files.hosts(host, [*host_lines(spec, ""), *own])
    gateway = gateway_of([network for _kept, network in attached])
    own = own_lines(record, hostname, [kept for kept, _network in attached])
    return files.hosts(host, [*host_lines(spec, gateway), *own])


def own_lines(record: ContainerRecord, hostname: str, kept: Sequence[Endpoint]) -> list[Line]:
    """Return the lines of /etc/hosts with the container's own names."""
    names = tuple(dict.fromkeys((hostname, record.name)))
    return [(address, names) for one in kept for address in one.addresses]


def host_lines(spec: Any, gateway: str) -> list[Line]:
    """Return the lines that name the host, and those that the spec adds."""
    added = {
        name: gateway if where == resolver.HOST_GATEWAY else where
        for name, where in (spec.etc_hosts or {}).items()
    }
    by_address: dict[str, list[str]] = {}
    for name, address in added.items():
        by_address.setdefault(address, []).append(name)
    lines = [(address, tuple(names)) for address, names in by_address.items() if address]
    own = tuple(name for name in _HOST_NAMES if name not in added)
    return lines + ([(gateway, own)] if gateway and own else [])


def gateway_of(networks: Sequence[NetworkRecord]) -> str:
    """Return the address by which a container in these networks reaches its host, "" for none.

    The gateway of a macvlan or ipvlan network is another machine.
    """
    found = [
        subnet.gateway
        for one in networks
        if one.spec.driver == BRIDGE and not one.spec.internal
        for subnet in one.subnets
        if subnet.gateway
    ]
    return next((address for address in found if ":" not in address), found[0] if found else "")


def resolv_conf(
    spec: Any, host: str, resolved: str, servers: Sequence[str], served: Sequence[str] = ()
) -> str:
    """Return /etc/resolv.conf: ``servers`` of the networks, else the spec's, else the host's reachable ones.

    ``host`` is the host's file, ``resolved`` that of systemd-resolved with the real servers, "" without one. ``served`` are
    the addresses of aardvark-dns, which takes precedence: it forwards to the others, and resolves ``dns.podman`` itself.
    """
    base = _read(host)
    own = spec.dns or ()
    found = [*served] or [*servers] or [*own] or _reachable(base.get("nameserver", []))
    if not found and resolved:
        found = _reachable(_read(resolved).get("nameserver", []))
    search = [*(spec.dns_search or ())] or [*([_SERVED] if served else []), *base.get("search", [])]
    options = [*spec.dns_option] if spec.dns_option else base.get("options", [])
    lines = [f"nameserver {server}" for server in found or _PUBLIC]
    lines = ([f"search {' '.join(search)}"] if search and search != ["."] else []) + lines
    return "\n".join([*lines, *([f"options {' '.join(options)}"] if options else []), ""])


def _read(text: str) -> Mapping[str, list[str]]:
    """Return a resolv.conf's words by keyword; the last ``search`` or ``domain`` wins (resolv.conf(5))."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        keyword, *words = line.split() or [""]
        if keyword in ("nameserver", "options"):
            found.setdefault(keyword, []).extend(words)
        elif keyword in ("search", "domain"):
            found["search"] = words
    return found


def _reachable(servers: Sequence[str]) -> list[str]:
    """Return the name servers without loopback and link-local addresses, which a container cannot reach."""
    found = []
    for server in servers:
        try:
            address = ipaddress.ip_address(server.partition("%")[0])
        except ValueError:
            continue
        if not address.is_loopback and not address.is_link_local:
            found.append(server)
    return found
