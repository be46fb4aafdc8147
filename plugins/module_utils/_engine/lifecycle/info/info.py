# SPDX-License-Identifier: GPL-3.0-or-later
"""List containers, volumes and images, in the order requested. Reads only, takes no lock."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from ...errors import NotFound
from ...model.engine.record import ContainerRecord, ImageRecord
from ...model.values.labels import match
from ...model.values.names import near
from ...model.volume.spec import VolumeRecord
from ...state import containers as container_rows
from ...state import images as image_rows
from ...state import volumes as volume_rows
from ..core.engine import Engine
from ..core.facts import observe
from ..core.images import find_image
from ..core.outcome import Outcome
from ..inspect import filters
from ..inspect.host_config import OfHost
from ..inspect.host_facts import look
from ..inspect.image import image_shape
from ..inspect.volume import volume_shape
from ..inspect.volume_content import content_shape
from ..resources.volume_facts import facts_of_all
from .inspected import inspected


def containers(
    engine: Engine,
    names: Sequence[str] | None = None,
    *,
    labels: Sequence[str] = (),
    must_exist: bool = False,
    size: bool = False,
) -> Outcome:
    """Return ``containers``: those named (by name or id), or all.

    A missing one is left out; with ``must_exist`` it raises NotFound. ``labels``: only containers whose options set all
    of these. ``size`` adds each one's disk use, which is measured file by file.
    """
    with engine.database.reading() as connection:
        records = _named_containers(connection, names, must_exist=must_exist)
        chosen = [record for record in records if match(record.spec.label or {}, labels)]
        host = look()
        shapes = [_container(engine, connection, record, host, size=size) for record in chosen]
    return Outcome(result={"containers": shapes})


def _container(
    engine: Engine, connection: sqlite3.Connection, record: ContainerRecord, host: OfHost, *, size: bool
) -> dict[str, Any]:
    image = image_rows.get(connection, record.image_id) if record.image_id else None
    shape = inspected(engine, connection, observe(engine, record), image, host)
    if not size:
        return shape
    from .sizes import sizes

    return {**shape, **sizes(engine, record, image)}


def _named_containers(
    connection: sqlite3.Connection, names: Sequence[str] | None, *, must_exist: bool
) -> list[ContainerRecord]:
    if names is None:
        return list(container_rows.all(connection))
    found: list[ContainerRecord] = []
    for name in names:
        record = container_rows.find(connection, name)
        if record is None and must_exist:
            raise NotFound("container", name, near=near(name, container_rows.names(connection)))
        found += [record] if record else []
    return found


def volumes(
    engine: Engine,
    names: Sequence[str] | None = None,
    *,
    labels: Sequence[str] = (),
    must_exist: bool = False,
) -> Outcome:
    """Return ``volumes``: those named, or all; only those that have all of the ``labels``."""
    with engine.database.reading() as connection:
        named = _named_volumes(connection, names, must_exist=must_exist)
        records = [record for record in named if match(record.spec.labels, labels)]
        seen = facts_of_all(engine, connection, [record.spec.name for record in records])
        shapes = [
            {
                **volume_shape(record, engine.layout, seen[record.spec.name]),
                **content_shape(engine.layout.volume(record.spec.name)),
            }
            for record in records
        ]
    return Outcome(result={"volumes": shapes})


def _named_volumes(
    connection: sqlite3.Connection, names: Sequence[str] | None, *, must_exist: bool
) -> list[VolumeRecord]:
    known = {record.spec.name: record for record in volume_rows.all(connection) if not record.removing}
    for name in names or ():
        if must_exist and name not in known:
            raise NotFound("volume", name, near=near(name, known))
    return [known[name] for name in (known if names is None else names) if name in known]


def images(
    engine: Engine,
    names: Sequence[str] | None = None,
    *,
    must_exist: bool = False,
    labels: Sequence[str] = (),
    references: Sequence[str] = (),
    dangling: bool | None = None,
) -> Outcome:
    """Return ``images``: those named (by name or id), or all.

    Of these only images with all of the ``labels``, with a name that matches one of the ``references`` (shell patterns), and
    with a name (``dangling`` False) or without one (True).
    """
    with engine.database.reading() as connection:
        named = _named_images(connection, names, must_exist=must_exist)
    chosen = (one for one in named if dangling is None or dangling is not bool(one.names))
    wanted = [("label", text) for text in labels] + [("reference", text) for text in references]
    shapes = [image_shape(record) for record in chosen]
    return Outcome(result={"images": filters.choose(shapes, wanted, filters.IMAGES) if wanted else shapes})


def _named_images(
    connection: sqlite3.Connection, names: Sequence[str] | None, *, must_exist: bool
) -> list[ImageRecord]:
    if names is None:
        return list(image_rows.all(connection))
    found: list[ImageRecord] = []
    for name in names:
        try:
            found.append(find_image(connection, name))
        except NotFound:  # noqa: PERF203  (a handful of names)
            if must_exist:
                raise
    return found
