# SPDX-License-Identifier: GPL-3.0-or-later
"""Report networks in the requested order; read-only, takes no lock."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from ...errors import NotFound
from ...model.network.spec import NetworkRecord
from ...model.values.labels import match
from ...model.values.names import near
from ...state import networks as rows
from ..core.engine import Engine
from ..core.outcome import Outcome
from ..inspect.network import network_shape

_REMEDY = "Create it first with module network; network_info lists the existing networks"


def networks(
    engine: Engine,
    names: Sequence[str] | None = None,
    *,
    labels: Sequence[str] = (),
    must_exist: bool = False,
) -> Outcome:
    """Return ``networks``: all, or those with the names or ids, filtered by ``labels``, which all must match.

    A missing network is left out, or with ``must_exist`` raises NotFound.
    """
    with engine.database.reading() as connection:
        records = _named(connection, names, must_exist=must_exist)
        chosen = [record for record in records if match(record.spec.labels, labels)]
        shapes = [network_shape(record, rows.attached(connection, record.id)) for record in chosen]
    return Outcome(result={"networks": shapes})


def find(connection: sqlite3.Connection, name: str) -> NetworkRecord:
    """Return the network with this name or full id (64 digits, or 12). Raises NotFound with similar names."""
    found = rows.find(connection, name)
    if found is None or found.removing:
        known = [record.name for record in rows.all(connection) if not record.removing]
        raise NotFound("network", name, near=near(name, known), remedy=_REMEDY)
    return found


def _named(
    connection: sqlite3.Connection, names: Sequence[str] | None, *, must_exist: bool
) -> list[NetworkRecord]:
    if names is None:
        return [record for record in rows.all(connection) if not record.removing]
    if must_exist:
        return [find(connection, name) for name in names]
    found = (rows.find(connection, name) for name in names)
    return [record for record in found if record is not None and not record.removing]
