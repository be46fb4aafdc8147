# SPDX-License-Identifier: GPL-3.0-or-later
"""Serve names of a network by aardvark-dns, which does so while it has a file of that network.

A network gets its file with its first container, and keeps it until the last one has exited: so the names of containers that
run at the same time are published in the same way, whatever is installed meanwhile. The caller holds the network's lock.
"""

from __future__ import annotations

from contextlib import suppress

from ...errors import EngineError
from ...kernel.cgroup import moves
from ...model.container import cgroup as cgroupnames
from ...model.container import networks as grammar
from ...model.engine.record import ContainerRecord
from ...model.network.spec import BRIDGE, NetworkRecord
from ...model.network.wiring import Endpoint
from ...network import aardvark, bridge
from ...network.dns_text import Named, added, without
from ...systemd import scope
from ..core.engine import Engine


def is_served(engine: Engine, network: NetworkRecord) -> bool:
    """Return whether aardvark-dns has a file of the network."""
    return _file(network) in aardvark.names(engine.layout.aardvark)


def can_be_served(network: NetworkRecord) -> bool:
    """Return whether aardvark-dns is installed and the network is a managed bridge with an address for it."""
    own = network.spec.driver == BRIDGE and bridge.is_managed(network)
    return own and bool(gateways(network)) and aardvark.find() is not None


def gateways(network: NetworkRecord) -> list[str]:
    """Return the addresses at which aardvark-dns answers for the network."""
    return [subnet.gateway for subnet in network.subnets if subnet.gateway]


def add(engine: Engine, record: ContainerRecord, network: NetworkRecord, kept: Endpoint) -> None:
    """Add a container's names to a network's file, idempotently; restart a server that has died.

    Raises EngineError when the server does not run; the file is removed then.
    """
    directory, file = engine.layout.aardvark, _file(network)
    named = Named(record.id, kept.addresses, names(record, network.name), tuple(_servers(record)))
    with engine.lock_names(f"name {record.name}"):
        text = aardvark.read(directory, file)
        wanted = added(text, gateways(network), network.spec.dns_servers, named)
        if wanted == text and aardvark.is_told(directory):
            return
        aardvark.write(directory, file, wanted)
        try:
            _reload(engine, gateways(network))
        except EngineError:
            with suppress(EngineError):
                _remove(engine, file)
            raise


def drop(engine: Engine, record: ContainerRecord, network: NetworkRecord) -> None:
    """Remove a container's names from a network. Raises EngineError if the server for others fails."""
    directory, file = engine.layout.aardvark, _file(network)
    with engine.lock_names(f"forget {record.name}"):
        text = aardvark.read(directory, file)
        wanted = without(text, record.id)
        if not wanted:
            _remove(engine, file)
        elif wanted != text or aardvark.has_missed(directory):
            aardvark.write(directory, file, wanted)
            _reload(engine, gateways(network))


def names(record: ContainerRecord, network: str) -> tuple[str, ...]:
    """Return a container's names in one network: its name, its short id, its aliases there."""
    return tuple(dict.fromkeys((record.name, record.id[:12], *grammar.aliases(record.spec, network))))


def _servers(record: ContainerRecord) -> list[str]:
    from ...model.network import resolver

    own = record.spec.dns or ()
    return [] if own == (resolver.NO_SERVERS,) else [*own]


def _remove(engine: Engine, file: str) -> None:
    """Remove a network's file; before the last one, stop the server, so that a kill does not orphan it."""
    directory = engine.layout.aardvark
    # There may be no file: a process that removed the last one was killed before it removed the directory.
    if {*aardvark.names(directory)} <= {file}:
        aardvark.end(directory)
    else:
        aardvark.write(directory, file, "")
        _reload(engine, [])


def _reload(engine: Engine, addresses: list[str]) -> None:
    aardvark.reload(engine.layout.aardvark, addresses, lambda pid: _move(engine, pid))


def _move(engine: Engine, pid: int) -> None:
    """Move the server out of its starter's cgroup: it serves all networks, and must outlive the session."""
    if scope.manager(engine.cgroup_manager) == cgroupnames.CGROUPFS:
        moves.enter(engine.layout.monitors_cgroup, pid)
        return
    name = cgroupnames.names_scope(pid)
    scope.move(pid, name, cgroupnames.DEFAULT_SLICE, f"Names of containers below {engine.layout.root}")


def _file(network: NetworkRecord) -> str:
    """Return the name of a network's file; with ``%int``, aardvark-dns since 1.13 forwards no queries."""
    return f"{network.id}%int" if network.spec.internal else network.id
