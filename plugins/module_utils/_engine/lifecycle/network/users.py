# SPDX-License-Identifier: GPL-3.0-or-later
"""Detach running containers from a network that is removed, and move them to one that is recreated."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import ExitStack, suppress

from ...errors import InUse, InvalidOption, NotFound
from ...model.container import networks as grammar
from ...model.engine.record import ContainerRecord
from ...model.network.spec import NetworkRecord
from ...plan.subnets import Taken
from ...state import containers, networks
from ..core.engine import Engine
from ..core.origin import source_of
from ..core.sidecars import keep_network
from ..guard.hold import hold
from ..wiring import check, choose, rewire
from ..wiring.connect import REWIRE
from .host_network import taken_by_host


def mend(engine: Engine) -> None:
    """Complete the changes of containers' networks by a task that was killed."""
    with engine.database.reading() as connection:
        pending = containers.with_intent(connection, REWIRE)
    for number in pending:
        with suppress(NotFound), hold(engine, number, "recover"):  # ``hold`` completes them
            pass


def detach(engine: Engine, network: str, name: str) -> None:
    """Detach a container from a network, in its spec too, while it runs; do nothing if either is gone."""
    with engine.database.reading() as connection:
        known, home = containers.by_name(connection, name), networks.by_name(connection, network)
    if known is None or home is None:
        return
    with hold(engine, known.id, f"detach from {network}") as record:
        spec = grammar.without(record.spec, {home.name, home.id, home.id[:12]})
        rewire.alter(engine, record, spec, source_of(engine, record).config)


def check_remade(engine: Engine, network: NetworkRecord) -> None:
    """Check that the network can be recreated like this with its containers.

    Raises InUse for a container whose address is outside the new subnets or whose published ports the network does not let in,
    and what the host lacks, before any change.
    """
    with engine.tolerating():
        check.check_host(network)
    for record in _users(engine, network.id):
        config = source_of(engine, record).config
        with engine.database.reading() as connection:
            try:
                choose.with_networks(connection, record, config, record, remade=network)
                check.refuse_vain_ports(record.spec, _networks(connection, record, network))
            except InvalidOption as error:
                raise _does_not_fit(network, record, error) from None


def _networks(
    connection: sqlite3.Connection, record: ContainerRecord, remade: NetworkRecord
) -> list[NetworkRecord]:
    """Return the networks that a container is in, with ``remade`` in place of the stored one."""
    found = (
        remade if one.network_id == remade.id else networks.get(connection, one.network_id)
        for one in record.endpoints
    )
    return [one for one in found if one is not None]


def _does_not_fit(network: NetworkRecord, record: ContainerRecord, error: InvalidOption) -> InUse:
    return InUse(
        f"container {record.name} does not fit the changed network {network.name}: {error.message}",
        remedy="Change that container first",
        name=network.name,
        users=[record.name],
    )


def remake(engine: Engine, name: str, remade: Callable[[Taken], NetworkRecord]) -> None:
    """Recreate a network; attached containers keep running, and keep their addresses if these fit.

    ``remade`` returns the network's record in the transaction that saves it. All rows are saved first: an intent in a row
    lets the next verb complete the change.
    """
    with engine.database.reading() as connection:
        there = networks.by_name(connection, name)
    if there is None:
        raise NotFound("network", name, remedy="Run the task again")
    with ExitStack() as stack:
        known = _users(engine, there.id)
        held = [stack.enter_context(hold(engine, one.id, f"recreate network {name}")) for one in known]
        for record in held:
            rewire.note(engine, record)
        for record in (changed := _save(engine, there, held, remade)):
            rewire.leave(engine, record)
        for record in changed:
            rewire.finish(engine, record)


def _save(
    engine: Engine,
    there: NetworkRecord,
    held: list[ContainerRecord],
    remade: Callable[[Taken], NetworkRecord],
) -> list[ContainerRecord]:
    """Save the network and its containers' endpoints in one transaction; return the containers."""
    configs = {record.id: source_of(engine, record).config for record in held}
    host = taken_by_host()
    with engine.lock_network(there.name, f"recreate {there.name}"):
        with engine.database.transaction() as connection:
            _refuse_others(
                there, {*configs}, {number for number, _name in networks.users(connection, there.id)}
            )
            new = remade(host._replace(networks=networks.all(connection)))
            networks.update(connection, new)
            changed = [
                rewire.put(connection, choose.chosen(connection, record, configs[record.id], record))
                for record in held
            ]
        keep_network(engine, new)
    engine.tell("network", "update", new.id, new.name)
    return changed


def _refuse_others(network: NetworkRecord, held: set[str], users: set[str]) -> None:
    if held != users:
        raise InUse(
            f"the containers in network {network.name} changed meanwhile",
            remedy="Run the task again",
            users=sorted(users ^ held),
        )


def _users(engine: Engine, network_id: str) -> list[ContainerRecord]:
    """Return the containers in a network, in the order of their locks."""
    with engine.database.reading() as connection:
        numbers = sorted(number for number, _name in networks.users(connection, network_id))
        found = (containers.get(connection, number) for number in numbers)
        return [record for record in found if record is not None]
