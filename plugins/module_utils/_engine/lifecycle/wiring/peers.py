# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell containers the names of those that are in their networks: by aardvark-dns (served.py), else by lines in their /etc/hosts.

Only what runs is named. The file is altered in its place, since it is bound into the container, and by the lines of one container
alone: with two hundred in a network, to write each file anew at each start would take seconds.
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
    """Decide how names of the container's networks are answered, and return the addresses where aardvark-dns does so.

    Those of a network whose containers have them in their files are answered there as long as one of them runs. A server that
    does not start is warned of: the names go into the files then, also of those that it has served.
    """
    found = []
    for kept, network in _named(attached):
        with engine.lock_network(network.name, f"name {record.name}"):
            served_ = served.is_served(engine, network) or _may_be_served(engine, record, network)
            if served_ and _is_answered(engine, record, network, kept):
                found += served.gateways(network)
    return tuple(sorted(found, key=lambda address: ":" in address))


def served_at(engine: Engine, attached: Sequence[tuple[Endpoint, NetworkRecord]]) -> tuple[str, ...]:
    """Return the addresses where aardvark-dns answers names of these networks now."""
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
    """Make a container's names known to those in its networks, and theirs to it; all have their files already."""
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
    """Make those in its networks forget a container's names. A server of others that does not start is warned of."""
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
    """Take the lines of the others in networks that a container leaves out of its /etc/hosts."""
    gone = [
        address
        for _kept, network in _named(attached)
        for _other, kept in _others(engine, record.id, network.id)
        for address in kept.addresses
    ]
    if gone:
        name_files.alter_hosts(_path(engine, record.id), gone, [])


def _is_answered(engine: Engine, record: ContainerRecord, network: NetworkRecord, kept: Endpoint) -> bool:
    """Have aardvark-dns answer a container's names in a network; False when it can't, and all there are named in files now."""
    try:
        served.add(engine, record, network, kept)
    except EngineError as error:
        _warn(engine, network, error)
        _introduce(engine, network)
        for other, _kept in _others(engine, "", network.id):
            _ask_others(engine, other, network)
        return False
    return True


def _ask_others(engine: Engine, record: ContainerRecord, gone: NetworkRecord) -> None:
    """Write other name servers for a running container when aardvark-dns no longer answers in one of its networks."""
    pairs = attached_of(engine, record)
    at = served_at(engine, [pair for pair in pairs if pair[1].id != gone.id])
    name_files.ask_others(engine.layout.container(record.id), record, pairs, at, served.gateways(gone))


def _warn(engine: Engine, network: NetworkRecord, error: EngineError) -> None:
    text = f"network {network.name}: containers find names in /etc/hosts alone, as {error.message}"
    remedy = "Make way for it (`ss -ulnp`), then stop all containers of the network and start them again"
    engine.warned.append(HostLacks(text, remedy=remedy))


def _may_be_served(engine: Engine, record: ContainerRecord, network: NetworkRecord) -> bool:
    """Tell whether aardvark-dns can answer in a network, and nobody there has the names in a file already."""
    if not served.can_be_served(network):
        return False
    with engine.database.reading() as connection:
        members = attachments.members(connection, network.id)
    running = [one for one in members if one != record.id and os.path.exists(_path(engine, one))]
    return not any(_is_there(engine, one, network) for one in running)


def _is_there(engine: Engine, container_id: str, network: NetworkRecord) -> bool:
    """Tell whether a container that runs is in a network by now: one that is to come (back) to it is told its names then."""
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


def _introduce(engine: Engine, network: NetworkRecord) -> None:
    """Add the names of all that run in a network to the files of each other."""
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
    """Yield those in networks that answer names, in the order in which locks are taken."""
    return sorted((pair for pair in attached if pair[1].spec.dns), key=lambda pair: pair[1].name)


def _others(engine: Engine, container_id: str, network_id: str) -> list[tuple[ContainerRecord, Endpoint]]:
    """Return the others in a network."""
    with engine.database.reading() as connection:
        members = (number for number in attachments.members(connection, network_id) if number != container_id)
        found = [record for number in members if (record := containers.get(connection, number))]
    return [(one, end) for one in found for end in one.endpoints if end.network_id == network_id]


def _lines(record: ContainerRecord, network: str, kept: Endpoint) -> list[str]:
    """Return the lines that name a container in one network: by its name, its short id, its aliases there."""
    names = " ".join(served.names(record, network))
    return [f"{address}\t{names}\n" for address in kept.addresses]


def _path(engine: Engine, container_id: str) -> str:
    return f"{engine.layout.container(container_id).files}/hosts"
