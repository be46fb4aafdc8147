# SPDX-License-Identifier: GPL-3.0-or-later
"""Check by a container's row alone whether an exit has already been cleaned up; imports almost nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from ..kernel import procstat
from ..model.container import status
from .uri import uri

TYPE_CHECKING = False
if TYPE_CHECKING:  # the call by conmon imports only what it needs
    from typing import Any

#: Seconds to wait for a writer; the full cleanup waits longer.
_PATIENCE = 1.0
#: The JSON of a spec contains this only if ``rm`` is unset, because quotes in strings are escaped.
_STAYS = '"rm":false'
_ROW = "SELECT status, intent, restart_at, pid, pid_start, instr(spec, ?) FROM containers WHERE id = ?"


def is_settled(database: str, container_id: str) -> bool:
    """Return whether nothing is left to do after an exit of the container, whose lock is held.

    This is so if the container has been removed, has been cleaned up and will be neither restarted nor removed, or runs again.
    False also if the row cannot be read; opening the database in full reports the reason.
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
