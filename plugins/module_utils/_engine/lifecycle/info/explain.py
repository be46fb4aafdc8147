# SPDX-License-Identifier: GPL-3.0-or-later
"""Gather what explains a container's state: events, health, dependencies, missing mounts. Reads only."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...model.container import status
from ...model.engine.event_query import EventQuery
from ...model.engine.record import ContainerRecord
from ...model.mounts.mount import BIND
from ...plan.explain import Scene
from ...plan.explain import explain as in_words
from ...rootfs.mount_state import RootfsDied, check, is_mounted
from ...state import containers, events, images
from ..core.dependency_state import not_running
from ..core.engine import Engine
from ..core.facts import observe
from ..core.health_state import health_of

#: The number of events read: enough to include the last run's.
_EVENTS = 50


def explained(engine: Engine, shapes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the shapes of containers, each with ``explain``: sentences; [] if it was removed meanwhile."""
    with engine.database.reading() as connection:
        records = [containers.get(connection, shape["Id"]) for shape in shapes]
    return [
        {**shape, "explain": explain(engine, record) if record else []}
        for shape, record in zip(shapes, records)
    ]


def explain(engine: Engine, stored: ContainerRecord) -> list[str]:
    """Return sentences that explain the container's state, the most important first."""
    record = observe(engine, stored)
    query = EventQuery(filters=(("container", record.id),), limit=_EVENTS)
    with engine.database.reading() as connection:
        happened = events.find(connection, query)
        image = images.get(connection, record.image_id) if record.image_id else None
    return in_words(
        Scene(
            record,
            time.time_ns(),
            happened,
            health_of(engine, record, image),
            not_running(engine, record),
            tuple(_missing(engine, record)),
            image is not None,
        )
    )


def _missing(engine: Engine, record: ContainerRecord) -> Iterator[str]:
    """Yield a sentence for each mount, or source of a mount, that should exist and does not."""
    container = engine.layout.container(record.id)
    if record.status in status.ALIVE and not record.spec.rootfs and not is_mounted(container, record.driver):
        yield f"Its root file system is not mounted on the host at {container.merged}"
    if record.status in status.ALIVE:
        try:
            check(container, record.name, record.driver)
        except RootfsDied as error:
            yield error.message[:1].upper() + error.message[1:]
    if record.spec.rootfs and not os.path.isdir(record.spec.image):
        yield f"Its root file system {record.spec.image} does not exist"
    for mount in record.mounts.values():
        if mount.kind == BIND and "create" not in mount.options and not os.path.lexists(mount.source):
            yield f"{mount.source}, mounted at {mount.destination}, no longer exists on the host"
    for destination, name in sorted(record.volumes.items()):
        # Listed, without stat(2) of the mount: a lost file server would never answer.
        volume = engine.layout.volume(name)
        if not os.path.isdir(volume) or "data" not in os.listdir(volume):
            yield f"The data of volume {name}, mounted at {destination}, is missing"
