# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the container that a name or the beginning of an id means."""

from __future__ import annotations

from ..errors import InvalidOption, NotFound
from ..model.names import near
from ..model.record import ContainerRecord
from ..state import containers
from .engine import Engine


def find(engine: Engine, name: str) -> ContainerRecord:
    """Return the container; raises NotFound with what is near, InvalidOption when several fit."""
    with engine.database.reading() as connection:
        found = containers.find(connection, name)
        if not found:
            raise NotFound("container", name, near=near(name, containers.names(connection)))
    if len(found) > 1:
        raise InvalidOption("name", name, f"begins the ids of {len(found)} containers", remedy="Write more")
    return found[0]
