# SPDX-License-Identifier: GPL-3.0-or-later
"""Creation of a container: its row and directories. Nothing is mounted or started (seed: setupStorage)."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping

from ...errors import InUse
from ...frozen import replace
from ...kernel.files import make_private
from ...model.container import networks
from ...model.container.spec import ContainerSpec
from ...model.engine.record import ContainerRecord, Event
from ...model.engine.storage_drivers import OVERLAY
from ...model.mounts.mount import VOLUME, Mount
from ...model.mounts.volumes_from import ANONYMOUS
from ...model.values import labels
from ...model.values.names import new_id
from ...model.values.text import normal_path
from ...model.volume.spec import VolumeRecord, VolumeSpec
from ...state import containers, dependencies, events, volumes
from ...volumes import directory
from ..core.dependencies import resolve
from ..core.engine import Engine
from ..core.sidecars import keep_container, keep_marks
from ..core.source import Source
from ..resources import cgroup_parents, id_mapping, rootfs, storage_driver
from ..resources.implied_mounts import declared_volumes, implied_mounts
from ..resources.userns_access import grant_traversal
from ..resources.volume import make


def create(
    engine: Engine,
    spec: ContainerSpec,
    source: Source,
    *,
    carried: Mapping[str, str] | None = None,
    replaces: str | None = None,
    container_id: str | None = None,
    intent: str = "",
    start_pending: bool = False,
) -> ContainerRecord:
    """Create the container and return its record.

    ``intent`` and ``start_pending`` are as in the record; an intent says that the caller has more to do to it.
    ``carried`` maps destinations to the anonymous volumes of the container that this one replaces: they are reused, so a
    replacement loses no data (pain 29). ``replaces`` is that container's id: its row is deleted in the transaction that
    inserts this one's. The database is complete before the first directory is created. Raises NameInUse.
    """
    record = ContainerRecord(
        id=container_id or new_id(),
        spec=spec,
        created=time.time_ns(),
        image_id=source.image.id if source.image else None,
        intent=intent,
        runtime=engine.runtime or "",
        start_pending=start_pending,
        images={path: image.id for path, image in source.mounted.items()},
        driver=OVERLAY if spec.rootfs else storage_driver.driver(engine),
    )
    with engine.timings.of("create"):
        if networks.DEFAULT in (one.name for one in networks.wanted(spec)):
            from ..network.create import default

            default(engine)
        with engine.database.transaction() as connection:
            record = _insert(engine, connection, record, source, carried=carried or {}, replaces=replaces)
        prepare_directories(engine, record)
        if not intent and not spec.rootfs:  # with an intent, other steps precede the first start
            lowers = source.lowers[::-1]
            rootfs.prepare(engine.layout.container(record.id), lowers, record.mapping, driver=record.driver)
    return record


def _insert(
    engine: Engine,
    connection: sqlite3.Connection,
    record: ContainerRecord,
    source: Source,
    *,
    carried: Mapping[str, str],
    replaces: str | None,
) -> ContainerRecord:
    """Insert the container's row, volumes and dependencies, maybe replacing another's; return its record."""
    spec = record.spec
    old = containers.get(connection, replaces) if replaces is not None else None
    if old is None:
        containers.refuse_id(connection, spec.name)
    needs = resolve(connection, spec)
    dependents = dependencies.take_off(connection, replaces) if replaces is not None else ()
    if replaces is not None:
        containers.delete(connection, replaces)
    mapping = id_mapping.decide(connection, spec, source, old.mapping if old else None)
    implied = implied_mounts(connection, spec, source)
    volumes_by_path = volumes_of(spec, source, implied, carried)
    record = replace(record, mapping=mapping, implied=implied, volumes=volumes_by_path)
    if networks.has_networks(spec):
        from ..wiring.choose import chosen

        record = chosen(connection, record, source.config, old)
    _insert_anonymous(connection, record)
    containers.insert(connection, record)
    dependencies.write(connection, record.id, needs)
    dependencies.put_on(connection, dependents, record.id)
    if old is not None and old.spec.cgroup_parent:
        cgroup_parents.leave(engine, old, containers.all(connection))
    events.add(connection, Event(record.created, "container", "create", record.id, record.name))
    return record


def prepare_directories(engine: Engine, record: ContainerRecord) -> None:
    """Create missing directories of the container and its volumes; this also completes a killed creation."""
    container = engine.layout.container(record.id)
    for path in (container.static, container.bundle, container.artifacts, container.run, container.persist):
        make_private(path)
    for name in record.volumes.values():
        _make_volume(engine, name)
    grant_traversal(engine, record)
    keep_container(engine, record)
    if record.start_pending:
        keep_marks(engine, record)


def _make_volume(engine: Engine, name: str) -> None:
    if directory.is_made(engine.layout.volumes, name):
        return
    with engine.database.reading() as connection:
        known = volumes.get(connection, name)
    if known is not None:
        make(engine, known)


def volumes_of(
    spec: ContainerSpec, source: Source, implied: Mapping[str, Mount], carried: Mapping[str, str]
) -> dict[str, str]:
    """Map destinations to volumes: named, anonymous, of others, of the image (seed: sortUserVolumes)."""
    mounts = {**implied, **(spec.mounts or {})}
    wanted = {path: mount.source for path, mount in mounts.items() if mount.kind == VOLUME}
    if spec.image_volume == ANONYMOUS:
        wanted.update((path, "") for path in declared_volumes(source, mounts))
    # An old engine kept VOLUME paths unnormalised, and mounted the one with a trailing slash over the other.
    kept = {normal_path(f"/{path}"): name for path, name in sorted(carried.items())}
    return {path: name or kept.get(path) or new_id() for path, name in sorted(wanted.items())}


def _insert_anonymous(connection: sqlite3.Connection, record: ContainerRecord) -> None:
    named = {mount.source for mount in (record.spec.mounts or {}).values() if mount.kind == VOLUME}
    for name in set(record.volumes.values()):
        known = volumes.get(connection, name)
        if known is not None and known.removing:
            raise InUse(f"volume {name} is being removed", remedy="Run the task again", name=name)
        if known is None:
            anonymous = name not in named
            spec = VolumeSpec(name, labels.owner(record.spec.label))
            volumes.insert(connection, VolumeRecord(spec, record.created, anonymous=anonymous))
