# SPDX-License-Identifier: GPL-3.0-or-later
"""Order the containers that a boot of the host starts; pure."""

from __future__ import annotations

from collections.abc import Iterable

from ..model.container import status
from ..model.engine.record import ContainerRecord
from . import graph
from .boot import stays, will_start


def to_start(records: Iterable[ContainerRecord], needs: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Return the IDs of the containers that a boot starts, each after those that it requires.

    ``needs`` are pairs of IDs: a container and one that it requires. Required containers are started too, regardless of their
    policies, unless a user stopped them or they ended in a checkpoint.
    """
    known = {record.id: record for record in records}
    edges: dict[str, list[str]] = {}
    for one, below in needs:
        edges.setdefault(one, []).append(below)
    wanted = sorted((one for one in known if will_start(known[one])), key=lambda one: known[one].created)
    ordered = graph.order(wanted, edges)
    return tuple(one for one in ordered if one in known and _may_start(known[one]))


def _may_start(record: ContainerRecord) -> bool:
    return record.status in status.STARTABLE and not stays(record)
