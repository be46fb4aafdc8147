# SPDX-License-Identifier: GPL-3.0-or-later
"""Update the parts of an unchanged task's result that change by themselves: health and readiness."""

from __future__ import annotations

import time

from ...model.container import status
from ...model.container.health import HEALTHY, Health
from ...model.values import utf8
from ...runtime import healthfile
from ...runtime.healthsocket import send
from ..inspect.health import health_shape

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from typing import Any

    from ...model.engine.layout import Layout


def renewed(
    layout: Layout, row: sqlite3.Row, result: dict[str, Any], *, checked: bool, told: bool, waits: bool
) -> dict[str, Any] | None:
    """Return the result with the current health; None if the full convergence has more to do.

    ``checked``: the container has a health check; ``told``: notify the health checker of the task; ``waits``: the task
    waits until the container is ready.
    """
    health = _health(layout, row) if checked else None
    if row["status"] == status.RUNNING:
        if checked and (health is None or health.run != row["started"]):
            return None
        if (waits and not _is_ready(row, health)) or (told and not send(layout, row["id"])):
            return None
    if checked:
        known = health is not None and health.run == row["started"]
        shape = health_shape(health if known else Health(row["started"] or 0))
        result["container"]["State"]["Health"] = utf8.whole(shape)
    return result


def _health(layout: Layout, row: sqlite3.Row) -> Health | None:
    return healthfile.read(layout.container(row["id"]))


def _is_ready(row: sqlite3.Row, health: Health | None) -> bool:
    """Return whether the full convergence would not have to wait (container/ready.py)."""
    if health is not None:
        return health.status == HEALTHY
    return bool(time.time_ns() - row["started"] >= status.SETTLED * 1e9)
