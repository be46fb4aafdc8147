# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the container that a name or an id means: for modules in full, for a person also by the beginning of an id."""

from __future__ import annotations

from ...errors import InvalidOption, NotFound
from ...model.engine.record import ContainerRecord
from ...model.values.names import alike, is_beginning, near
from ...state import containers
from .engine import Engine

_REMEDY = "Make it first with module container; container_info lists those that are there"


def find(engine: Engine, name: str) -> ContainerRecord:
    """Return the container of this name or whole id (64 digits, or the first 12); raises NotFound with what is near.

    A program has no use for the beginning of an id: a name that is not there may be one by chance.
    """
    with engine.database.reading() as connection:
        found = containers.find(connection, name)
        if found is None:
            known = near(name, containers.names(connection))
            raise NotFound("container", name, near=known, remedy=_REMEDY)
        return found


def find_typed(engine: Engine, text: str) -> ContainerRecord:
    """Return the container that a person means: by name, id, or the beginning of an id where no name is like it.

    Raises NotFound with what is near, InvalidOption when several ids begin so.
    """
    with engine.database.reading() as connection:
        found = containers.find(connection, text)
        if found is not None:
            return found
        like = alike(text, tuple(containers.names(connection)))
        begun = containers.beginning(connection, text) if is_beginning(text) else ()
    if len(begun) > 1:
        raise InvalidOption("NAME", text, f"begins the ids of {len(begun)} containers", remedy="Write more")
    if begun and not like:
        return begun[0]
    remedy = f"For container {begun[0].name} write more of its id" if begun else "`slipway ps -a` lists them"
    raise NotFound("container", text, near=like, remedy=remedy)
