# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove exited containers, then unused volumes, networks and images (seed: PruneContainers and the like)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from typing import Any, NamedTuple

from ...errors import InUse, LockTimeout, NotFound, WrongState
from ...frozen import replace
from ...model.container import status
from ...model.engine.prune import Filters, Prune
from ...model.engine.record import ContainerRecord
from ...model.network.grammar import Asked
from ...model.network.spec import NetworkSpec
from ...model.volume.spec import VolumeSpec
from ...plan import graph
from ...plan.network import DEFAULT_NAME
from ...state import containers, dependencies, images
from ..core.engine import Engine
from ..core.facts import observe
from ..core.outcome import Outcome
from ..guard.waste import sweep, sweep_locks
from ..info import info
from ..info.sizes import sizes, tree_size
from ..inspect import filters
from ..network.tell import networks
from .prune_images import Pruned, prune_images

#: The states of a container that has exited or never ran, or whose removal was killed.
_ENDED = frozenset({status.CONFIGURED, status.CREATED, status.STOPPED, status.EXITED, status.REMOVING})
_FREE = ("", "remove")
#: Not errors of a prune: another task uses the thing again, or has removed it.
_CHANGED = (InUse, NotFound, WrongState, LockTimeout)
#: The seconds to wait for a task that works on the container.
_PATIENCE = 5.0


class Gone(NamedTuple):
    """A removed thing: its id (of volumes and networks, the name), its name, and its bytes."""

    id: str
    name: str
    size: int


def prune(engine: Engine, wish: Prune) -> Outcome:
    """Remove the requested kinds of unused things; return which were removed, and the bytes freed.

    Nothing that is alive, or used by something that stays, is removed. Raises InvalidOption for a filter, before anything is
    removed.
    """
    _check(wish)
    ended = None if wish.containers is None else _containers(engine, wish.containers)
    # In check mode, a container that would be removed no longer uses anything.
    without = {one.id for one in ended or ()} if engine.predicting else set()
    kinds = {
        "container": ended,
        "volume": None if wish.volumes is None else _volumes(engine, wish.volumes, without),
        "network": None if wish.networks is None else _networks(engine, wish.networks, without),
    }
    pruned = None if wish.images is None else prune_images(engine, wish.images, without=without)
    if not engine.predicting:
        sweep(engine)
        sweep_locks(engine)  # of a removal that was killed at its very end
    return _outcome(kinds, pruned)


def _outcome(kinds: dict[str, list[Gone] | None], pruned: Pruned | None) -> Outcome:
    looked_at = {kind: found for kind, found in kinds.items() if found is not None}
    actions = [f"removed {kind} {one.name}" for kind, found in looked_at.items() for one in found]
    result: dict[str, Any] = {kind: [one.id for one in found] for kind, found in looked_at.items()}
    freed = sum(one.size for found in looked_at.values() for one in found)
    if pruned is not None:
        actions += pruned.actions
        result["image"] = [image.id for image in pruned.images]
        result["images_deleted"] = [
            {
                "Id": image.id,
                "RepoTags": [*image.names],
                "Size": sum(layer.size for layer in image.layers),
            }
            for image in pruned.images
        ]
        freed += pruned.freed
    return Outcome(tuple(actions), result={**result, "space_reclaimed": freed})


def _check(wish: Prune) -> None:
    tables = (filters.CONTAINERS, filters.VOLUMES, filters.NETWORKS, filters.IMAGES)
    of_images = wish.images.filters if wish.images else None
    asked = (wish.containers, wish.volumes, wish.networks, of_images)
    for table, pairs in zip(tables, asked):
        filters.parse((f"{key}={value}" for key, value in pairs or ()), table)


def _chosen(shapes: list[dict[str, Any]], wanted: Filters, table: Any, key: str) -> list[str]:
    """Return the names (or ids) of the things that match."""
    return [shape[key] for shape in filters.choose(shapes, wanted, table)]


# -- containers ----------------------------------------------------------------------------------------


def _containers(engine: Engine, wanted: Filters) -> list[Gone]:
    records = _ended(engine, wanted)
    found = {record.id: Gone(record.id, record.name, _size(engine, record)) for record in records}
    if engine.predicting:
        return [*found.values()]
    return _removed(found.values(), lambda one: _remove(engine, one))


def _remove(engine: Engine, one: Gone) -> None:
    """Remove a container, or finish a killed removal; one that a task works on is left alone."""
    from ..container.remove import remove

    with replace(engine, lock_timeout=_PATIENCE).lock_name(one.name, "prune"):
        remove(engine, one.id, with_volumes=False)


def _ended(engine: Engine, wanted: Filters) -> list[ContainerRecord]:
    """Return the exited containers that no remaining one needs, dependents first."""
    shapes = info.containers(engine).result["containers"]
    fitting = {*_chosen(shapes, wanted, filters.CONTAINERS, "Id")}
    with engine.database.reading() as connection:
        known = {record.id: record for record in containers.all(connection) if record.id in fitting}
        needs: dict[str, list[str]] = {}
        for found in dependencies.all(connection):
            needs.setdefault(found.container_id, []).append(found.needs)
    gone = {number for number, record in known.items() if _has_ended(engine, record)}
    while needed := {need for user, wants in needs.items() if user not in gone for need in wants} & gone:
        gone -= needed
    named = sorted(gone, key=lambda number: known[number].name, reverse=True)
    return [known[number] for number in reversed(graph.order(named, needs)) if number in gone]


def _has_ended(engine: Engine, record: ContainerRecord) -> bool:
    """Return whether a container has exited for good: no restart, start or restore is pending."""
    waits = record.restart_at is not None or record.start_pending or record.is_checkpointed
    return not waits and record.intent in _FREE and observe(engine, record).status in _ENDED


def _size(engine: Engine, record: ContainerRecord) -> int:
    """Return the bytes that the container has written; a root file system from the user is not removed."""
    if record.spec.rootfs:
        return 0
    with engine.database.reading() as connection:
        image = images.get(connection, record.image_id) if record.image_id else None
    return sizes(engine, record, image)["SizeRw"]


# -- volumes and networks ------------------------------------------------------------------------------


def _volumes(engine: Engine, wanted: Filters, without: Collection[str]) -> list[Gone]:
    gone = _names_of(engine, without)
    unused = [
        {**shape, "used_by": []}
        for shape in info.volumes(engine).result["volumes"]
        if not {*shape["used_by"]} - gone and not shape["stays_mounted"]
    ]
    names = _chosen(unused, wanted, filters.VOLUMES, "Name")
    found = [Gone(name, name, tree_size(engine.layout.volume(name))) for name in names]
    if engine.predicting:
        return found
    from ..converge.volume import converge_volume

    return _removed(found, lambda one: converge_volume(engine, VolumeSpec(one.name), "absent"))


def _networks(engine: Engine, wanted: Filters, without: Collection[str]) -> list[Gone]:
    gone = _names_of(engine, without)
    unused = [
        {**shape, "used_by": []}
        for shape in networks(engine).result["networks"]
        if not {*shape["used_by"]} - gone and shape["name"] != DEFAULT_NAME
    ]
    found = [Gone(name, name, 0) for name in _chosen(unused, wanted, filters.NETWORKS, "name")]
    if engine.predicting:
        return found
    from ..network.converge import converge_network

    return _removed(found, lambda one: converge_network(engine, Asked(NetworkSpec(one.name)), "absent"))


def _names_of(engine: Engine, ids: Collection[str]) -> set[str]:
    if not ids:
        return set()
    with engine.database.reading() as connection:
        return {name for name, number in containers.names(connection).items() if number in ids}


def _removed(found: Iterable[Gone], remove: Callable[[Gone], object]) -> list[Gone]:
    """Remove each thing, and return the removed ones; one that is in use again stays."""
    removed = []
    for one in found:
        with suppress(*_CHANGED):
            remove(one)
            removed.append(one)
    return removed
