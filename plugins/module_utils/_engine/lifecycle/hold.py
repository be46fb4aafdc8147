# SPDX-License-Identifier: GPL-3.0-or-later
"""Hold a container: its lock taken, its record read, corrected by the facts and mended where a verb died half-way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import NotFound
from ..model.record import ContainerRecord
from ..state import containers
from .engine import Engine
from .facts import sync
from .recover import recover


@contextmanager
def hold(engine: Engine, container_id: str, what: str) -> Iterator[ContainerRecord]:
    """Yield the record with the container's lock held; raises NotFound when it went away meanwhile, and LockTimeout."""
    with engine.lock_container(container_id, what):
        with engine.database.reading() as connection:
            record = containers.get(connection, container_id)
        if record is None:
            raise NotFound("container", container_id)
        yield recover(engine, sync(engine, record))
