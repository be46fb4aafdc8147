# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove the containers that use a volume, as ``podman volume rm --force`` does."""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import InUse
from ...frozen import replace
from ...plan.container import ABSENT
from ...state import containers
from ..core.dependencies import dependents
from ..core.engine import Engine
from .container import converge
from .request import Request


def remove_users(engine: Engine, names: Sequence[str]) -> list[str]:
    """Stop and remove the containers, dependents first; return what was done, or would be done.

    Raises InUse, before anything is done, if another container needs one of them.
    """
    _refuse_needed(engine, names)
    ahead = replace(engine, predicting=True)
    order = _ordered(engine, names)
    foreseen = [converge(ahead, _request(name), _nothing).actions for name in order]
    if engine.predicting:
        return [text for texts in foreseen for text in texts]
    return [text for name in order for text in converge(engine, _request(name), _nothing).actions]


def _request(name: str) -> Request:
    return Request(name, ABSENT, delete_depend=True)


def _nothing(engine: Engine, *, keep: bool) -> tuple[str, ...]:
    """Return no command, because nothing is started here."""
    del engine, keep
    return ()


def _ordered(engine: Engine, names: Sequence[str]) -> list[str]:
    """Return the names ordered so that each comes after its dependents."""
    found = [*names]
    return sorted(found, key=lambda name: len(_dependents(engine, name)))


def _dependents(engine: Engine, name: str) -> list[str]:
    with engine.database.reading() as connection:
        record = containers.by_name(connection, name)
    return [one.name for one in dependents(engine, record.id)] if record else []


def _refuse_needed(engine: Engine, names: Sequence[str]) -> None:
    others = {other: name for name in names for other in _dependents(engine, name) if other not in names}
    if others:
        told = ", ".join(f"{name} is needed by {other}" for other, name in sorted(others.items()))
        raise InUse(
            f"containers that use the volume can't be removed: {told}",
            remedy="Remove those containers first",
            users=sorted(others),
        )
