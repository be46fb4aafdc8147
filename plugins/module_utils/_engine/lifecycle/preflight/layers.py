# SPDX-License-Identifier: GPL-3.0-or-later
"""Check that the store has all layers of an image, before the running container is touched."""

from __future__ import annotations

import os

from ...errors import NotFound
from ...model.engine.record import ContainerRecord, ImageRecord
from ...model.engine.storage_drivers import VFS
from ..core.engine import Engine
from ..core.source import Source, lowers_of


def check(engine: Engine, source: Source, record: ContainerRecord | None) -> None:
    """Check that all layers are in the store, unless the container has its own copy. Raises NotFound."""
    own = None if record is not None and _is_copied(engine, record) else source.image
    for image in filter(None, (own, *source.mounted.values())):
        for path in lowers_of(image, engine.layout):
            if not os.path.isdir(path):
                raise _lost(image, path)


def _is_copied(engine: Engine, record: ContainerRecord) -> bool:
    return record.driver == VFS or os.path.isdir(engine.layout.container(record.id).mapped)


def _lost(image: ImageRecord, path: str) -> NotFound:
    label = image.names[0] if image.names else image.id[:12]
    error = NotFound(
        "layer", path, remedy="Load the image again with image_load, which restores missing layers"
    )
    error.message = f"image {label} has lost a layer: {path} does not exist, and slipway did not remove it"
    return error
