# SPDX-License-Identifier: GPL-3.0-or-later
"""Lookup of a container by name or id: full for modules, and also by a prefix of the id for people."""

from __future__ import annotations

from ...errors import InvalidOption, NotFound
from ...model.engine.record import ContainerRecord
from ...model.values.names import alike, is_beginning, near
from ...state import containers
from .engine import Engine

_REMEDY = "Create it first with module container; container_info lists the existing containers"


def find(engine: Engine, name: str) -> ContainerRecord:
    """Return the container with this name or full id (64 digits, or the first 12).

    Other prefixes of an id are not accepted: a name that does not exist may be one by chance. Raises NotFound with
    similar names.
    """
    with engine.database.reading() as connection:
        found = containers.find(connection, name)
        if found is None:
            known = near(name, containers.names(connection))
            raise NotFound("container", name, near=known, remedy=_REMEDY)
        return found


def find_typed(engine: Engine, text: str) -> ContainerRecord:
    """Return the container that a person means: by name, id, or a prefix of an id if no name is similar.

    Raises NotFound with similar names, InvalidOption if several ids start with the text.
    """
    with engine.database.reading() as connection:
        found = containers.find(connection, text)
        if found is not None:
            return found
        like = alike(text, tuple(containers.names(connection)))
        begun = containers.beginning(connection, text) if is_beginning(text) else ()
    if len(begun) > 1:
        raise InvalidOption(
            "NAME",
            text,
            f"is ambiguous: the ids of {len(begun)} containers start with it",
            remedy="Give more digits",
        )
    if begun and not like:
        return begun[0]
    remedy = (
        f"For container {begun[0].name} give more digits" if begun else "List containers with `slipway ps -a`"
    )
    raise NotFound("container", text, near=like, remedy=remedy)
