# SPDX-License-Identifier: GPL-3.0-or-later
"""Have aardvark-dns answer the names of a network, as long as it has a file of that network.

A network gets its file with its first container, and keeps it until the last one has ended: so those that run at the same time
are all named in the same way, whatever is installed meanwhile. Whoever acts holds the network's lock.
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
    """Tell whether aardvark-dns has a file of the network."""
    return _file(network) in aardvark.names(engine.layout.aardvark)


def can_be_served(network: NetworkRecord) -> bool:
    """Tell whether aardvark-dns is installed and has an address to answer at: that of a bridge of the engine's."""
    own = network.spec.driver == BRIDGE and bridge.is_managed(network)
    return own and bool(gateways(network)) and aardvark.find() is not None


def gateways(network: NetworkRecord) -> list[str]:
    """Return the addresses at which names of the network are answered."""
    return [subnet.gateway for subnet in network.subnets if subnet.gateway]


def add(engine: Engine, record: ContainerRecord, network: NetworkRecord, kept: Endpoint) -> None:
    """Have a container's names answered in a network; raises EngineError when there is no server, and nothing is left of it then.

    Repeated it changes nothing, but that a server which has died is started again.
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
    """Have a container's names in a network forgotten; raises EngineError when there are others and no server for them."""
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
    """Return the names that a container has in one network: its own, its short id, its aliases there."""
    return tuple(dict.fromkeys((record.name, record.id[:12], *grammar.aliases(record.spec, network))))


def _servers(record: ContainerRecord) -> list[str]:
    from ...model.network import resolver

    own = record.spec.dns or ()
    return [] if own == (resolver.NO_SERVERS,) else [*own]


def _remove(engine: Engine, file: str) -> None:
    """Remove the file of a network, and with the last one the server, which goes first, so that a kill leaves none alone."""
    directory = engine.layout.aardvark
    # None: whoever removed the last one was killed before the directory was gone.
    if {*aardvark.names(directory)} <= {file}:
        aardvark.end(directory)
    else:
        aardvark.write(directory, file, "")
        _reload(engine, [])


def _reload(engine: Engine, addresses: list[str]) -> None:
    aardvark.reload(engine.layout.aardvark, addresses, lambda pid: _move(engine, pid))


def _move(engine: Engine, pid: int) -> None:
    """Take the server out of the cgroup of whoever started it: it serves others, and must not end with a session."""
    if scope.manager(engine.cgroup_manager) == cgroupnames.CGROUPFS:
        moves.enter(engine.layout.monitors_cgroup, pid)
        return
    name = cgroupnames.names_scope(pid)
    scope.move(pid, name, cgroupnames.DEFAULT_SLICE, f"Names of containers below {engine.layout.root}")


def _file(network: NetworkRecord) -> str:
    """Return the name of a network's file; from version 1.13 on aardvark-dns asks no other server where it ends so."""
    return f"{network.id}%int" if network.spec.internal else network.id
