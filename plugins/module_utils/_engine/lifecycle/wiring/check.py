# SPDX-License-Identifier: GPL-3.0-or-later
"""Refuse what a container can't have of networks, before anything is changed."""

from __future__ import annotations

import sqlite3

from ...model.container import networks as grammar
from ...model.container.spec import ContainerSpec
from ...model.engine.record import ContainerRecord
from ...model.network import ports as portgrammar
from ...model.network.wiring import Port
from ...network import firewall
from ...plan import addresses
from ...state import attachments, containers
from ..core.engine import Engine
from . import choose, host_ports


def check(engine: Engine, spec: ContainerSpec, record: ContainerRecord | None) -> None:
    """Raise NotFound for a network, InvalidOption or InUse for an address or a port, HostLacks without nftables and iptables.

    ``record``: of a container that is there to be started; what it has is its own.
    """
    with engine.database.reading() as connection:
        there = record or containers.by_name(connection, spec.name)
        _check_addresses(connection, spec, there)
        held = there.ports if there else ()
        ports = held if record else _wanted_ports(connection, spec, there)
    firewall.backend()
    free = [port for port in ports if not _is_held(port, held, there)]
    host_ports.check(free)


def _check_addresses(
    connection: sqlite3.Connection, spec: ContainerSpec, there: ContainerRecord | None
) -> None:
    for want in grammar.wanted(spec):
        network = choose.network_of(connection, want.name)
        if network is None:
            continue
        others = {
            ip: name
            for ip, name in attachments.taken(connection, network.id).items()
            if there is None or name != there.name
        }
        for ip in want.ips:
            addresses.asked("network", network.name, network.subnets, ip, others)


def _wanted_ports(
    connection: sqlite3.Connection, spec: ContainerSpec, there: ContainerRecord | None
) -> tuple[Port, ...]:
    """Return the ports of the host that a container to come names; raises InUse for those of other containers."""
    named = [port for port in portgrammar.singly(portgrammar.published(spec.publish or ())) if port.host_port]
    owners = attachments.owners(connection)
    others = {port: owner for port, owner in owners.items() if there is None or owner != there.id}
    for port in named:
        choose.refuse_taken(connection, port, others)
    return tuple(named)


def _is_held(port: Port, held: tuple[Port, ...], there: ContainerRecord | None) -> bool:
    """Tell whether the container that is there holds the port itself, while it lives."""
    return (
        there is not None
        and there.process is not None
        and any(portgrammar.collide(port, one) for one in held)
    )
