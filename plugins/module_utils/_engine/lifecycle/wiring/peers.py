# SPDX-License-Identifier: GPL-3.0-or-later
"""Publish containers' names in their networks: by aardvark-dns (served.py), else by lines in /etc/hosts.

Only running containers are named. The file is edited in place, because it is a bind mount, and only by the lines of one
container: with two hundred in a network, rewriting each file at each start would take seconds.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from ...errors import EngineError, HostLacks
from ...model.engine.record import ContainerRecord
from ...model.network.spec import NetworkRecord
from ...model.network.wiring import Endpoint
from ...network import bridge
from ...state import attachments, containers
from ..core.engine import Engine
from . import name_files, served
from .connect import REWIRE, plugs
from .connect import attached as attached_of


def serve(
    engine: Engine, record: ContainerRecord, attached: Sequence[tuple[Endpoint, NetworkRecord]]
) -> tuple[str, ...]:
    """Choose how names of the container's networks are resolved, and return the addresses of aardvark-dns.

    A network whose containers have the names in their files stays so while one of them runs. If the server does not start, a
    warning is added and the names are written into the files, also those of containers that it served.
    """
    found = []
    for kept, network in _named(attached):
        with engine.lock_network(network.name, f"name {record.name}"):
            served_ = served.is_served(engine, network) or _may_be_served(engine, record, network)
            if served_ and _is_answered(engine, record, network, kept):
                found += served.gateways(network)
    return tuple(sorted(found, key=lambda address: ":" in address))


def served_at(engine: Engine, attached: Sequence[tuple[Endpoint, NetworkRecord]]) -> tuple[str, ...]:
    """Return the addresses at which aardvark-dns answers for these networks now."""
    found = [
        address
        for _kept, network in _named(attached)
        if served.is_served(engine, network)
        for address in served.gateways(network)
    ]
    return tuple(sorted(found, key=lambda address: ":" in address))


def announce(
    engine: Engine, record: ContainerRecord, attached: Sequence[tuple[Endpoint, NetworkRecord]]
) -> None:
    """Publish a container's names in its networks, and the others' names to it; all files exist already."""
    for kept, network in _named(attached):
        with engine.lock_network(network.name, f"name {record.name}"):
            if served.is_served(engine, network) and _is_answered(engine, record, network, kept):
                continue
            lines = _lines(record, network.name, kept)
            for other, other_kept in _others(engine, record.id, network.id):
                path = _path(engine, other.id)
                if os.path.exists(path):
                    name_files.alter_hosts(path, kept.addresses, lines)
                    name_files.alter_hosts(
                        _path(engine, record.id),
                        other_kept.addresses,
                        _lines(other, network.name, other_kept),
                    )


def withdraw(
    engine: Engine, record: ContainerRecord, attached: Sequence[tuple[Endpoint, NetworkRecord]]
) -> None:
    """Remove a container's names from its networks; warn if the server for the others does not start."""
    for kept, network in _named(attached):
        with engine.lock_network(network.name, f"forget {record.name}"):
            if served.is_served(engine, network):
                try:
                    served.drop(engine, record, network)
                except EngineError as error:
                    engine.warned.append(error)
                continue
            for other, _kept in _others(engine, record.id, network.id):
                name_files.alter_hosts(_path(engine, other.id), kept.addresses, [])


def forget_others(
    engine: Engine, record: ContainerRecord, attached: Sequence[tuple[Endpoint, NetworkRecord]]
) -> None:
    """Remove from a container's /etc/hosts the lines of others in networks that it leaves."""
    gone = [
        address
        for _kept, network in _named(attached)
        for _other, kept in _others(engine, record.id, network.id)
        for address in kept.addresses
    ]
    if gone:
        name_files.alter_hosts(_path(engine, record.id), gone, [])


def _is_answered(engine: Engine, record: ContainerRecord, network: NetworkRecord, kept: Endpoint) -> bool:
    """Add a container's names to aardvark-dns; if that fails, write all names of the network into files.

    Returns whether aardvark-dns answers them.
    """
    try:
        served.add(engine, record, network, kept)
    except EngineError as error:
        _warn(engine, network, error)
        _exchange_names(engine, network)
        for other, _kept in _others(engine, "", network.id):
            _ask_others(engine, other, network)
        return False
    return True


def _ask_others(engine: Engine, record: ContainerRecord, gone: NetworkRecord) -> None:
    """Replace a running container's name servers after the loss of aardvark-dns in one of its networks."""
    pairs = attached_of(engine, record)
    at = served_at(engine, [pair for pair in pairs if pair[1].id != gone.id])
    name_files.ask_others(engine.layout.container(record.id), record, pairs, at, served.gateways(gone))


def _warn(engine: Engine, network: NetworkRecord, error: EngineError) -> None:
    text = f"network {network.name}: names of containers are in /etc/hosts only, because {error.message}"
    remedy = "Free the port (`ss -ulnp`), then stop all containers of the network and start them again"
    engine.warned.append(HostLacks(text, remedy=remedy))


def _may_be_served(engine: Engine, record: ContainerRecord, network: NetworkRecord) -> bool:
    """Return whether aardvark-dns can serve a network and no container there has the names in a file."""
    if not served.can_be_served(network):
        return False
    with engine.database.reading() as connection:
        members = attachments.members(connection, network.id)
    running = [one for one in members if one != record.id and os.path.exists(_path(engine, one))]
    return not any(_is_attached(engine, one, network) for one in running)


def _is_attached(engine: Engine, container_id: str, network: NetworkRecord) -> bool:
    """Return whether a running container is attached to a network now.

    One that is yet to be attached gets the names at that time.
    """
    with engine.database.reading() as connection:
        record = containers.get(connection, container_id)
    if record is None or record.intent != REWIRE:
        return record is not None
    wiring = attached_of(engine, record)
    return any(
        bridge.is_attached(plug)
        for (_kept, home), plug in zip(wiring, plugs(record, wiring))
        if home.id == network.id
    )


def _exchange_names(engine: Engine, network: NetworkRecord) -> None:
    """Add the names of all running containers of a network to each other's files."""
    running = [
        (record, kept)
        for record, kept in _others(engine, "", network.id)
        if os.path.exists(_path(engine, record.id))
    ]
    for record, _kept in running:
        others = [pair for pair in running if pair[0].id != record.id]
        addresses = [address for _other, kept in others for address in kept.addresses]
        lines = [line for other, kept in others for line in _lines(other, network.name, kept)]
        name_files.alter_hosts(_path(engine, record.id), addresses, lines)


def _named(attached: Sequence[tuple[Endpoint, NetworkRecord]]) -> Iterable[tuple[Endpoint, NetworkRecord]]:
    """Return the attachments to networks with names, in the order in which locks are taken."""
    return sorted((pair for pair in attached if pair[1].spec.dns), key=lambda pair: pair[1].name)


def _others(engine: Engine, container_id: str, network_id: str) -> list[tuple[ContainerRecord, Endpoint]]:
    """Return the other containers of a network, with their endpoints in it."""
    with engine.database.reading() as connection:
        members = (number for number in attachments.members(connection, network_id) if number != container_id)
        found = [record for number in members if (record := containers.get(connection, number))]
    return [(one, end) for one in found for end in one.endpoints if end.network_id == network_id]


def _lines(record: ContainerRecord, network: str, kept: Endpoint) -> list[str]:
    """Return the lines of a container in one network: its name, its short id, its aliases there."""
    names = " ".join(served.names(record, network))
    return [f"{address}\t{names}\n" for address in kept.addresses]


def _path(engine: Engine, container_id: str) -> str:
    return f"{engine.layout.container(container_id).files}/hosts"
