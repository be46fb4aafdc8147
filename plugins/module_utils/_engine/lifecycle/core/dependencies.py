# SPDX-License-Identifier: GPL-3.0-or-later
"""Dependencies between containers (seed: getAllDependencies, startDependencies, checkReadyForRemoval).

The spec has names (``requires``, the containers whose namespaces it shares); the database has ids, from the creation on.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from ...errors import InUse, InvalidOption, NotFound, Setting, Words, WrongState
from ...model.container import namespaces, status
from ...model.container.spec import ContainerSpec
from ...model.engine.record import ContainerRecord
from ...model.mounts import volumes_from
from ...model.values.names import near
from ...plan import graph
from ...state import containers
from ...state import dependencies as rows
from .engine import Engine
from .facts import observe

#: The kinds of namespaces by their options.
_KINDS = {option: kind for kind, option in namespaces.OPTIONS.items()}


def resolve(connection: sqlite3.Connection, spec: ContainerSpec) -> tuple[tuple[str, str], ...]:
    """Return (option, id) of the containers that the spec names. Raises NotFound with similar names."""
    named = [("requires", name) for name in spec.requires or ()] + [*namespaces.needs(spec)]
    named += [(rows.VOLUMES_FROM, name) for name in volumes_from.names(spec.volumes_from)]
    return tuple((option, _id_of(connection, option, name)) for option, name in named)


def _id_of(connection: sqlite3.Connection, option: str, name: str) -> str:
    found = containers.find(connection, name)
    if found is None:
        raise NotFound(
            "container",
            name,
            near=near(name, containers.names(connection)),
            remedy=f"Create it first: {option} names it",
        )
    return found.id


def check(engine: Engine, spec: ContainerSpec, own_id: str | None) -> None:
    """Check the dependencies. Raises NotFound for a missing container, InvalidOption for a cycle."""
    for option, names_ in (
        ("requires", spec.requires),
        ("volumes_from", volumes_from.names(spec.volumes_from)),
    ):
        if spec.name in (names_ or ()):
            raise InvalidOption(option, spec.name, "is the container itself", remedy="Leave it out")
    for option, name in namespaces.needs(spec):
        if name in (spec.name, own_id, (own_id or "")[:12]):
            value = namespaces.of(spec, _KINDS[option])
            raise InvalidOption(option, value, "is the container itself", remedy=f"Leave {option} out")
    with engine.database.reading() as connection:
        wanted = resolve(connection, spec)
        needs = _all(connection)
        names = {number: name for name, number in containers.names(connection).items()}
    if own_id is None:  # nothing can depend on a container that does not exist yet
        return
    needs[own_id] = {number for _option, number in wanted}
    way = graph.cycle(own_id, needs)
    if way:
        told = " needs ".join(names.get(number, number[:12]) for number in way)
        option = next(option for option, number in wanted if number == way[1])
        value = names.get(way[1], way[1][:12])
        raise InvalidOption(
            option, value, f"is part of a dependency cycle: {told}", remedy="Remove one of these dependencies"
        )


def _all(connection: sqlite3.Connection, *, running: bool = False) -> dict[str, set[str]]:
    """Return the ids that each id needs; ``running``: without those needed for their volumes only."""
    needs: dict[str, set[str]] = {}
    for row in rows.all(connection):
        if row.must_run or not running:
            needs.setdefault(row.container_id, set()).add(row.needs)
    return needs


def to_start(
    engine: Engine, record: ContainerRecord | None, spec: ContainerSpec | None
) -> tuple[ContainerRecord, ...]:
    """Return the containers that must be started before this one, in order.

    The dependencies of a running container are not followed: they were started with it, and their later fate does not
    concern this start. ``spec`` is the container's future spec; None: the record's.
    """
    with engine.database.reading() as connection:
        needs = _all(connection, running=True)
        if spec is not None:
            first = {number for option, number in resolve(connection, spec) if option != rows.VOLUMES_FROM}
        else:
            first = needs.get(record.id, set()) if record else set()
        known = {one.id: one for one in containers.all(connection)} if first else {}
    seen = {number: observe(engine, one) for number, one in known.items() if number in _below(first, needs)}
    down = {number for number, one in seen.items() if one.status != status.RUNNING}
    open_needs = {number: [one for one in needs.get(number, ()) if one in down] for number in down}
    return tuple(seen[number] for number in graph.order(sorted(first & down), open_needs))


def _below(first: Iterable[str], needs: graph.Needs) -> set[str]:
    return set(graph.order(first, needs))


def refuse_stuck(name: str, missing: Iterable[ContainerRecord]) -> None:
    """Raise WrongState if one neither runs nor can be started: it is paused, or being removed."""
    stuck = [one for one in missing if one.status not in status.STARTABLE]
    if stuck:
        told = ", ".join(f"{one.name} ({one.status})" for one in stuck)
        raise WrongState(
            f"container {name} needs {told}, which can't be started",
            remedy="Unpause it, or complete its removal",
            name=name,
            not_running=[one.name for one in stuck],
        )


def refuse_not_running(name: str, missing: Iterable[ContainerRecord]) -> None:
    """Raise WrongState if there are any, with their names (seed: checkDependenciesAndHandleError)."""
    names = [one.name for one in missing]
    if names:
        raise WrongState(
            f"container {name} needs {', '.join(names)} to be running",
            remedy=Words("Start them first, or leave out ", Setting("start_dependencies", False)),
            name=name,
            not_running=names,
        )


def dependents(engine: Engine, container_id: str) -> tuple[ContainerRecord, ...]:
    """Return the containers that need this one, directly or indirectly, ends of the chain first."""
    with engine.database.reading() as connection:
        users = graph.turned(_all(connection))
        found = graph.order([container_id], users)
        records = [containers.get(connection, number) for number in found if number != container_id]
    return tuple(record for record in records if record is not None)


def refuse_needed(engine: Engine, record: ContainerRecord) -> None:
    """Raise InUse if other containers need this one, with their names."""
    names = sorted(one.name for one in dependents(engine, record.id))
    if names:
        raise InUse(
            f"container {record.name} is needed by {', '.join(names)}",
            remedy=Words("Remove them first, or use ", Setting("delete_depend", True)),
            name=record.name,
            users=names,
        )


def refuse_shared(engine: Engine, record: ContainerRecord) -> None:
    """Raise InUse if a running container shares a namespace of this one: a replacement has new ones."""
    with engine.database.reading() as connection:
        keeps = ("requires", rows.VOLUMES_FROM)
        sharing = {row.container_id for row in rows.on(connection, record.id) if row.via not in keeps}
        records = [containers.get(connection, number) for number in sorted(sharing)]
    names = [one.name for one in records if one is not None and observe(engine, one).status in status.ALIVE]
    if names:
        raise InUse(
            f"container {record.name} can't be recreated while running containers share its namespaces: {', '.join(names)}",
            remedy="Stop them first; when started again, they share those of the new container",
            name=record.name,
            users=names,
        )
