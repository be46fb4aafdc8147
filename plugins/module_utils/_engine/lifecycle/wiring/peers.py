# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell containers the names of those that are in their networks, by lines in their /etc/hosts.

Only what runs is named. The file is altered in its place, since it is bound into the container, and by the lines of one container
alone: with two hundred in a network, to write each file anew at each start would take seconds.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress

from ...model.container import networks as grammar
from ...model.engine.record import ContainerRecord
from ...model.network.spec import NetworkRecord
from ...model.network.wiring import Endpoint
from ...state import attachments, containers
from ..core.engine import Engine

#: A container's own edits of the file are small; what is larger is left alone.
_LIMIT = 4 * 1024 * 1024


def announce(
    engine: Engine, record: ContainerRecord, attached: Sequence[tuple[Endpoint, NetworkRecord]]
) -> None:
    """Add a container's names to the files of those in its networks, and theirs to its own; all have these files already."""
    for kept, network in _named(attached):
        with engine.lock_network(network.name, f"name {record.name}"):
            lines = _lines(record, network.name, kept)
            for other, other_kept in _others(engine, record.id, network.id):
                path = _path(engine, other.id)
                if os.path.exists(path):
                    _alter(path, kept.addresses, lines)
                    _alter(
                        _path(engine, record.id),
                        other_kept.addresses,
                        _lines(other, network.name, other_kept),
                    )


def withdraw(
    engine: Engine, record: ContainerRecord, attached: Sequence[tuple[Endpoint, NetworkRecord]]
) -> None:
    """Take a container's names out of the files of those in its networks."""
    for kept, network in _named(attached):
        with engine.lock_network(network.name, f"forget {record.name}"):
            for other, _kept in _others(engine, record.id, network.id):
                with suppress(FileNotFoundError):
                    _alter(_path(engine, other.id), kept.addresses, [])


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
    names = " ".join(dict.fromkeys((record.name, record.id[:12], *grammar.aliases(record.spec, network))))
    return [f"{address}\t{names}\n" for address in kept.addresses]


def _path(engine: Engine, container_id: str) -> str:
    return f"{engine.layout.container(container_id).files}/hosts"


def _alter(path: str, addresses: Iterable[str], lines: Sequence[str]) -> None:
    """Take the lines of these addresses out of the file and put others at its end; raises FileNotFoundError."""
    gone = {*addresses}
    with open(
        os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC),
        "r+",
        encoding="utf-8",
        errors="surrogateescape",
    ) as stream:
        text = stream.read(_LIMIT + 1)
        if len(text) > _LIMIT:
            return
        kept = [line for line in text.splitlines(keepends=True) if (line.split() or [""])[0] not in gone]
        stream.seek(0)
        stream.write("".join((*kept, *lines)))
        stream.truncate()
