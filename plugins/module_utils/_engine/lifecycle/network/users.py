# SPDX-License-Identifier: GPL-3.0-or-later
"""Take containers off a network that goes, and bring them over to one that is made anew, while they run."""

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
    """Go on with what a task was killed at that changed networks of containers."""
    with engine.database.reading() as connection:
        pending = containers.with_intent(connection, REWIRE)
    for number in pending:
        with suppress(NotFound), hold(engine, number, "mend"):  # which does it
            pass


def detach(engine: Engine, network: str, name: str) -> None:
    """Take a container off a network for good; it runs on. One that is gone by now is fine."""
    with engine.database.reading() as connection:
        known, home = containers.by_name(connection, name), networks.by_name(connection, network)
    if known is None or home is None:
        return
    with hold(engine, known.id, f"detach from {network}") as record:
        spec = grammar.without(record.spec, {home.name, home.id, home.id[:12]})
        rewire.alter(engine, record, spec, source_of(engine, record).config)


def check_remade(engine: Engine, network: NetworkRecord) -> None:
    """Raise what a container in a network can't have any more when that is made anew so.

    That is an address outside of its subnets or a published port that it does not let in (InUse), and what the host lacks for
    it; nothing is taken off what runs then.
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
    """Return the networks that a container is in, one of them as it is to be."""
    found = (
        remade if one.network_id == remade.id else networks.get(connection, one.network_id)
        for one in record.endpoints
    )
    return [one for one in found if one is not None]


def _does_not_fit(network: NetworkRecord, record: ContainerRecord, error: InvalidOption) -> InUse:
    return InUse(
        f"container {record.name} asks for what network {network.name} would not have any more: {error.message}",
        remedy="Change that container first",
        name=network.name,
        users=[record.name],
    )


def remake(engine: Engine, name: str, remade: Callable[[Taken], NetworkRecord]) -> None:
    """Make a network anew with all containers that are attached to it, which run on; addresses that fit are kept.

    ``remade`` returns its record in the transaction that saves it. Rows of all come first: who finds an intent goes on with it.
    """
    with engine.database.reading() as connection:
        there = networks.by_name(connection, name)
    if there is None:
        raise NotFound("network", name, remedy="Run the task again")
    with ExitStack() as stack:
        known = _users(engine, there.id)
        held = [stack.enter_context(hold(engine, one.id, f"remake network {name}")) for one in known]
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
    """Save the network and what its containers have of it, in one transaction; return the containers."""
    configs = {record.id: source_of(engine, record).config for record in held}
    host = taken_by_host()
    with engine.lock_network(there.name, f"remake {there.name}"):
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
            f"the containers in network {network.name} have changed meanwhile",
            remedy="Run the task again",
            users=sorted(users ^ held),
        )


def _users(engine: Engine, network_id: str) -> list[ContainerRecord]:
    """Return the containers in a network, in the order of their locks."""
    with engine.database.reading() as connection:
        numbers = sorted(number for number, _name in networks.users(connection, network_id))
        found = (containers.get(connection, number) for number in numbers)
        return [record for record in found if record is not None]
