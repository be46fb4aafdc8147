# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell from a container's row alone whether an end of it is already seen to; imports next to nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from ..kernel import procstat
from ..model.container import status
from .uri import uri

TYPE_CHECKING = False
if TYPE_CHECKING:  # conmon's call imports no more than it has to
    from typing import Any

#: Seconds to wait for somebody who writes; who goes the whole way waits longer.
_PATIENCE = 1.0
#: What a spec in which ``rm`` is unset has in its JSON, and no other: within a text the quotes are escaped.
_STAYS = '"rm":false'
_ROW = "SELECT status, intent, restart_at, pid, pid_start, instr(spec, ?) FROM containers WHERE id = ?"


def is_settled(database: str, container_id: str) -> bool:
    """Return whether nothing is left to do after an end of the container, whose lock is held.

    So it is when the container has been removed, was cleaned up and is neither to be restarted nor removed, or runs again.
    False also where the row can't be read: whoever opens the database in full learns why.
    """
    try:
        with closing(sqlite3.connect(uri(database, "mode=rw"), uri=True, timeout=_PATIENCE)) as connection:
            row = connection.execute(_ROW, (_STAYS, container_id)).fetchone()
    except (sqlite3.Error, UnicodeDecodeError):
        return False
    return row is None or _is_settled(row)


def _is_settled(row: tuple[Any, ...]) -> bool:
    state, intent, restart_at, pid, start_time, stays = row
    if intent or restart_at is not None:
        return False
    if state == status.EXITED:
        return bool(stays)
    return state == status.RUNNING and pid is not None and _runs(pid, start_time)


def _runs(pid: int, start_time: int | None) -> bool:
    fields = procstat.stat(pid)
    return procstat.runs(fields) and procstat.start_time(fields) == start_time
