# SPDX-License-Identifier: GPL-3.0-or-later
"""Rebuild the database, or its missing rows, from the notes beside containers, volumes, images and networks.

Running containers are adopted and not touched, and nothing on disk is removed; a damaged database is kept beside the new one.
A rebuild can be killed at any point: until the new database is in place, the engine refuses to act on containers that it does
not know, and the rebuild is run again.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import MappingProxyType
from typing import NamedTuple

from ...errors import EngineError, StateCorrupt
from ...frozen import replace
from ...kernel import files, mountinfo
from ...kernel.boot import boot_id
from ...kernel.staging import staging
from ...model.container import status
from ...model.engine.layout import Layout
from ...model.engine.record import ContainerRecord, Event, ImageRecord
from ...model.network.spec import NetworkRecord
from ...model.values.names import is_full_id
from ...model.volume.spec import VolumeRecord, VolumeSpec
from ...runtime.exits import read_exit
from ...state import containers, dependencies, events, execs, images, meta, networks, volumes
from ...state.database import Database, open_database
from ..core import unknown_containers
from ..core.adopt import taken_up
from ..core.dependencies import resolve
from ..core.engine import Engine
from ..core.sidecars import Found, read_all
from . import run_root as runroot
from .opening import make_directories

_DAMAGED, _LOST = "damaged", "lost"
_FILES = ("", "-wal", "-shm")


class Rebuilt(NamedTuple):
    """The result: the database's previous state, the rows (to be) added and the problems, as text."""

    state: str
    made: tuple[str, ...]
    problems: tuple[str, ...]


class _Known(NamedTuple):
    """The ids and names in the database; of networks the ids by name."""

    containers: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    volumes: frozenset[str] = frozenset()
    images: frozenset[str] = frozenset()
    networks: Mapping[str, str] = MappingProxyType({})


class _Plan(NamedTuple):
    """The rows to add."""

    containers: tuple[ContainerRecord, ...]
    volumes: tuple[VolumeRecord, ...]
    images: tuple[ImageRecord, ...]
    networks: tuple[NetworkRecord, ...]
    problems: tuple[str, ...]

    def words(self) -> tuple[str, ...]:
        return (
            *(f"image {', '.join(image.names) or image.id[:12]}" for image in self.images),
            *(f"volume {volume.spec.name}" for volume in self.volumes),
            *(f"network {network.name}" for network in self.networks),
            *(f"container {record.name} ({record.id[:12]}), {_state(record)}" for record in self.containers),
        )


def rebuild(root: str, run_root: str, *, dry_run: bool) -> Rebuilt:
    """Rebuild the database, or (``dry_run``) only report what that would add.

    Raises EngineError without an engine, OtherRoot, OtherRunRoot, and the errors of opening a database that is not damaged.
    """
    layout = Layout(root, run_root)
    if not os.path.isdir(root):
        raise EngineError(f"no engine at {root}", remedy="Write --root before the verb", path=root)
    runroot.check_owner(layout)
    state, known = _known(layout)
    plan = _plan(layout, read_all(layout), known)
    if not dry_run:
        _carry_out(layout, state, plan)
    return Rebuilt(state, plan.words(), plan.problems)


# -- planning --------------------------------------------------------------------------------------


def _known(layout: Layout) -> tuple[str, _Known]:
    """Return the database's state ("", damaged or lost) and the ids and names in it."""
    if not os.path.exists(layout.database):
        return _LOST, _Known()
    try:
        with open_database(layout.database, read_only=True) as database, database.reading() as connection:
            _check(connection, layout.database)
            return "", _Known(
                frozenset(containers.names(connection).values()),
                frozenset(containers.names(connection)),
                frozenset(volume.spec.name for volume in volumes.all(connection)),
                frozenset(image.id for image in images.all(connection)),
                {network.name: network.id for network in networks.all(connection)},
            )
    except StateCorrupt:
        return _DAMAGED, _Known()


def _check(connection: sqlite3.Connection, path: str) -> None:
    """Check the database by reading all of it. Raises StateCorrupt."""
    from ...state.failures import corrupt

    for pragma in ("quick_check", "foreign_key_check"):
        rows = [tuple(row) for row in connection.execute(f"PRAGMA {pragma}")]
        if rows not in ([], [("ok",)]):
            raise corrupt(path, f"{pragma}: {rows[0]}")
    for record in containers.all(connection):
        execs.of(connection, record.id)
    dependencies.all(connection)
    events.read(connection)
    volumes.all(connection)
    images.all(connection)
    networks.all(connection)


def _plan(layout: Layout, found: Found, known: _Known) -> _Plan:
    problems = list(found.problems)
    records, names = [], {*known.names}
    here = [_adopted(layout, one) for one in found.containers if one.id not in known.containers]
    # Of two containers with one name the living one gets it, else the newer: the other was being replaced.
    for record in sorted(here, key=lambda one: (one.process is None, -one.created)):
        if record.name in names:
            problems.append(
                f"container {record.id[:12]} is skipped: another container is named {record.name}"
            )
            continue
        names.add(record.name)
        records.append(record)
    records.sort(key=lambda one: (one.created, one.id))
    kept = [image for image in found.images if image.id not in known.images]
    whole = [image for image in kept if _is_whole(layout, image)]
    problems += [
        f"image {_label(image)} has missing layers: load it again" for image in kept if image not in whole
    ]
    problems += _unknown(layout, {*known.containers, *(one.id for one in found.containers)})
    problems += _without_image(records, {*known.images, *(image.id for image in whole)})
    wanted = _volumes(layout, found, known, records)
    nets = _networks(found, known)
    there = {*known.networks.values(), *(network.id for network in nets)}
    problems += _without_network(records, there)
    kept_records = tuple(_connected(record, there) for record in records)
    return _Plan(kept_records, wanted, tuple(whole), nets, tuple(dict.fromkeys(problems)))


def _networks(found: Found, known: _Known) -> tuple[NetworkRecord, ...]:
    """Return the networks to add; of two with one name or interface the newer: the other was replaced."""
    chosen: dict[str, NetworkRecord] = {}
    for network in sorted(found.networks, key=lambda one: one.created):
        chosen[network.name] = network
    by_interface = {network.interface or network.id: network for network in chosen.values()}
    added = [network for network in by_interface.values() if network.name not in known.networks]
    return tuple(sorted(added, key=lambda one: one.name))


def _without_network(records: Iterable[ContainerRecord], known: set[str]) -> list[str]:
    return [
        f"a network of container {record.name} is unknown: run the network's task, then the container's"
        for record in records
        if not {endpoint.network_id for endpoint in record.endpoints} <= known
    ]


def _connected(record: ContainerRecord, known: set[str]) -> ContainerRecord:
    """Return the record with only its endpoints on known networks."""
    return replace(record, endpoints=tuple(one for one in record.endpoints if one.network_id in known))


def _unknown(layout: Layout, known: set[str]) -> list[str]:
    """Return a problem for each living container that has no sidecar file to rebuild its row from."""
    seen = {
        *unknown_containers.ids_below(layout.runtime_root),
        *unknown_containers.ids_below(layout.run_containers),
    }
    live = ((one, unknown_containers.living(layout, one)) for one in sorted(seen - known))
    name_of = unknown_containers.name_of
    return [
        f"container {name_of(layout, one) or one[:12]} ({one[:12]}, process {process.pid}) lives, and has no sidecar file "
        "to rebuild its row from: if it belongs to another root that uses this run root, leave it alone and use a separate "
        f"run root for each root; otherwise kill it with `kill {process.pid}`, and run its task again"
        for one, process in live
        if process is not None
    ]


def _without_image(records: Iterable[ContainerRecord], known: set[str]) -> list[str]:
    return [
        f"image {record.spec.image} of container {record.name} is unknown: load it again"
        for record in records
        if record.image_id is not None and record.image_id not in known
    ]


def _label(image: ImageRecord) -> str:
    return ", ".join(image.names) or image.id[:12]


def _is_whole(layout: Layout, image: ImageRecord) -> bool:
    return all(os.path.isdir(layout.layer_diff(layer.chain_id)) for layer in image.layers)


def _volumes(
    layout: Layout, found: Found, known: _Known, records: Iterable[ContainerRecord]
) -> tuple[VolumeRecord, ...]:
    """Return the volumes to add: from their notes, else as plain volumes."""
    wanted = {volume.spec.name: volume for volume in found.volumes}
    with suppress(FileNotFoundError):
        for name in os.listdir(layout.volumes):
            if os.path.isdir(layout.volume_data(name)) and name not in wanted:
                wanted[name] = _plain(name)
    for record in records:
        for name in record.volumes.values():
            wanted.setdefault(name, _plain(name))
    return tuple(wanted[name] for name in sorted({*wanted} - known.volumes))


def _plain(name: str) -> VolumeRecord:
    return VolumeRecord(VolumeSpec(name), time.time_ns(), anonymous=is_full_id(name))


# -- the containers' states ------------------------------------------------------------------------


def _adopted(layout: Layout, record: ContainerRecord) -> ContainerRecord:
    """Return the record with the container's state now, from the kernel, the runtime and the exit file."""
    process = unknown_containers.living(layout, record.id)
    if process is not None:
        return taken_up(layout, record, process)
    container = layout.container(record.id)
    ended = read_exit(container)
    ran = os.path.exists(f"{container.bundle}/config.json")
    left = os.path.isdir(f"{layout.runtime_root}/{record.id}") or mountinfo.at(
        os.path.realpath(container.merged)
    )
    return replace(
        record,
        status=status.STOPPED if left else status.EXITED if ran else status.CONFIGURED,
        started=record.created if ran else None,
        finished=record.checkpointed if record.is_checkpointed else ended.finished if ended else None,
        exit_code=ended.code if ended and not record.is_checkpointed else None,
        oom_killed=bool(ended and ended.oom_killed) and not record.spec.oom_kill_disable,
    )


def _state(record: ContainerRecord) -> str:
    return f"{record.status}, process {record.process.pid}" if record.process else record.status


# -- acting ----------------------------------------------------------------------------------------


def _carry_out(layout: Layout, state: str, plan: _Plan) -> None:
    make_directories(layout)
    if not state:
        with open_database(layout.database) as database, _locked(layout, database):
            _fill(database, plan)
        return
    with staging(layout.staging) as (stage, _fd):
        path = f"{stage}/state.db"
        with open_database(path) as database, _locked(layout, database):
            _fill(database, plan)
            runroot.claim(layout, database)
        _exchange(layout, path)


@contextmanager
def _locked(layout: Layout, database: Database) -> Iterator[None]:
    """Hold the boot lock, which excludes other rebuilds, and refreshes."""
    with Engine(layout, database).lock_boot("rebuild"):
        yield


def _fill(database: Database, plan: _Plan) -> None:
    with database.transaction() as connection:
        for image in plan.images:
            images.insert(connection, image)
        for volume in plan.volumes:
            volumes.insert(connection, volume)
        for network in plan.networks:
            networks.insert(connection, network)
        for record in plan.containers:
            containers.insert(connection, record)
            told = Event(time.time_ns(), "container", "rebuild", record.id, record.name)
            events.add(connection, told)
        for record in plan.containers:
            with suppress(EngineError):  # one that it needs is gone: its next task reports that
                dependencies.write(connection, record.id, resolve(connection, record.spec))
        if meta.get(connection, meta.BOOT) is None:
            meta.put(connection, meta.BOOT, boot_id())


def _exchange(layout: Layout, path: str) -> None:
    """Rename a damaged database, then move the new one (closed, so a single file) into its place."""
    mark = time.strftime("%Y%m%d-%H%M%S")
    for suffix in _FILES:
        with suppress(FileNotFoundError):
            os.rename(f"{layout.database}{suffix}", f"{layout.database}.damaged-{mark}{suffix}")
    os.rename(path, layout.database)
    files.fsync_directory(layout.root)
