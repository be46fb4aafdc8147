# SPDX-License-Identifier: GPL-3.0-or-later
"""Find containers by the names and ids that people write."""

from __future__ import annotations

from ..errors import NotFound
from ..model.names import near
from ..model.record import ContainerRecord
from ..state import containers
from .engine import Engine


def find(engine: Engine, name: str) -> ContainerRecord:
    """Return the container of this name or id; raises NotFound with the names that are near."""
    with engine.database.reading() as connection:
        found = containers.find(connection, name)
        if not found:
            raise NotFound("container", name, near=near(name, containers.names(connection)))
    return found[0]
