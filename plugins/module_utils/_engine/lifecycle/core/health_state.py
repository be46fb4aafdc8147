# SPDX-License-Identifier: GPL-3.0-or-later
"""A container's health; read-only."""

from __future__ import annotations

from ...model.container.health import Health
from ...model.container.healthcheck import HealthCheck, resolve
from ...model.engine.record import ContainerRecord, ImageRecord
from ...model.image import config
from ...runtime import healthfile
from ...state import images
from .engine import Engine


def check_of(engine: Engine, record: ContainerRecord) -> HealthCheck | None:
    """Return the container's health check, None if it has none."""
    with engine.database.reading() as connection:
        image = images.get(connection, record.image_id) if record.image_id else None
    return _check(record, image)


def _check(record: ContainerRecord, image: ImageRecord | None) -> HealthCheck | None:
    return resolve(record.spec, config.parse(image.config) if image else None)


def state_of(engine: Engine, record: ContainerRecord, check: HealthCheck | None) -> Health | None:
    """Return the health in the container's last run, None if it has no check."""
    if check is None:
        return None
    found = healthfile.read(engine.layout.container(record.id))
    return found if found is not None and found.run == record.started else Health(record.started or 0)


def health_of(engine: Engine, record: ContainerRecord, image: ImageRecord | None) -> Health | None:
    """Return the health of a container whose image is known, None if it has no check."""
    return state_of(engine, record, _check(record, image))
