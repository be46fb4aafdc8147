# SPDX-License-Identifier: GPL-3.0-or-later
"""Lock a container, read its record, correct it by the facts, and recover it from a verb that was killed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ...errors import NotFound
from ...model.engine.record import ContainerRecord
from ...state import containers
from ..core.engine import Engine
from ..core.facts import sync
from .recover import recover


@contextmanager
def hold(engine: Engine, container_id: str, what: str) -> Iterator[ContainerRecord]:
    """Yield the record with the container's lock held. Raises NotFound if it was removed, and LockTimeout."""
    with engine.lock_container(container_id, what):
        with engine.database.reading() as connection:
            record = containers.get(connection, container_id)
        if record is None:
            forget(engine, container_id)
            raise NotFound("container", container_id)
        yield recover(engine, sync(engine, record))


def forget(engine: Engine, container_id: str) -> None:
    """Remove the lock file of a removed container; the lock is held.

    A process that waited for the lock during the removal (usually the agent) has created the file again.
    """
    with suppress(OSError):
        os.unlink(engine.layout.lock("container", container_id))
