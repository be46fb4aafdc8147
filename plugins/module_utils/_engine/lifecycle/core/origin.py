# SPDX-License-Identifier: GPL-3.0-or-later
"""The source that an existing container was created from."""

from __future__ import annotations

from ...frozen import replace
from ...model.engine.record import ContainerRecord
from ...state import images
from .engine import Engine
from .images import mounted_by
from .source import Source


def source_of(engine: Engine, record: ContainerRecord) -> Source:
    """Return the image or directory that the container was created from, and the images that it mounts."""
    with engine.database.reading() as connection:
        image = images.get(connection, record.image_id) if record.image_id else None
        mounted = mounted_by(connection, record)
    return Source.of(image, engine.layout, mounted)


def engine_of(engine: Engine, record: ContainerRecord) -> Engine:
    """Return the engine with the container's runtime, unless the engine has one set (the agent has not)."""
    return engine if engine.runtime else replace(engine, runtime=record.runtime or None)
