# SPDX-License-Identifier: GPL-3.0-or-later
"""Store exec sessions: commands that were started in running containers."""

from __future__ import annotations

import sqlite3

from ..model.engine.exec_session import ExecSession
from ..model.engine.record import ProcessId
from ..model.values.names import is_full_id
from .columns import check, decoding, dump, insert_text, load_as, update_text

_COLUMNS = (
    "id container_id request pid pid_start monitor_pid monitor_start created finished exit_code".split()
)
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM exec_sessions"  # noqa: S608
_INSERT = insert_text("exec_sessions", _COLUMNS)
_UPDATE = update_text("exec_sessions", "id", _COLUMNS)


def insert(connection: sqlite3.Connection, session: ExecSession) -> None:
    """Add a session; its container must exist."""
    connection.execute(_INSERT, _values(session))


def update(connection: sqlite3.Connection, session: ExecSession) -> None:
    """Save a session's new state; do nothing if it has no row, because its container exited and was cleaned up."""
    connection.execute(_UPDATE, _values(session))


def get(connection: sqlite3.Connection, session_id: str) -> ExecSession | None:
    """Return the session with this ID."""
    found = _many(connection, "WHERE id = ?", session_id)
    return found[0] if found else None


def of(connection: sqlite3.Connection, container_id: str) -> tuple[ExecSession, ...]:
    """Return the container's sessions, oldest first."""
    return _many(connection, "WHERE container_id = ?", container_id)


def delete(connection: sqlite3.Connection, session_id: str) -> bool:
    """Delete a session; return whether it existed."""
    return connection.execute("DELETE FROM exec_sessions WHERE id = ?", (session_id,)).rowcount > 0


def purge(connection: sqlite3.Connection, container_id: str) -> None:
    """Delete all sessions of a container (seed: init, RemoveContainerExecSessions)."""
    connection.execute("DELETE FROM exec_sessions WHERE container_id = ?", (container_id,))


def _values(session: ExecSession) -> dict[str, object]:
    pid, pid_start = session.process or (None, None)
    monitor_pid, monitor_start = session.monitor or (None, None)
    request = {"argv": session.argv, "user": session.user, "detached": session.detached}
    return {
        "id": session.id,
        "container_id": session.container_id,
        "request": dump(request),
        "pid": pid,
        "pid_start": pid_start,
        "monitor_pid": monitor_pid,
        "monitor_start": monitor_start,
        "created": session.created,
        "finished": session.finished,
        "exit_code": session.exit_code,
    }


def _many(connection: sqlite3.Connection, where: str, value: str) -> tuple[ExecSession, ...]:
    rows = connection.execute(f"{_SELECT} {where} ORDER BY created, id", (value,)).fetchall()
    return tuple(_session(row) for row in rows)


def _session(row: sqlite3.Row) -> ExecSession:
    with decoding("exec_sessions", row):
        check(
            row,
            texts="id container_id request",
            integers="pid pid_start monitor_pid monitor_start created finished exit_code",
            optional="pid pid_start monitor_pid monitor_start finished exit_code",
        )
        request = load_as(dict, row["request"])
        if not is_full_id(row["id"]):
            raise ValueError("id is not an ID")
        if not all(isinstance(word, str) for word in request["argv"]):
            raise TypeError("argv has an item that is not a string")
        return ExecSession(
            id=row["id"],
            container_id=row["container_id"],
            argv=tuple(request["argv"]),
            user=request["user"],
            detached=request["detached"],
            created=row["created"],
            process=_process(row["pid"], row["pid_start"]),
            monitor=_process(row["monitor_pid"], row["monitor_start"]),
            finished=row["finished"],
            exit_code=row["exit_code"],
        )


def _process(pid: int | None, start_time: int | None) -> ProcessId | None:
    return None if pid is None or start_time is None else ProcessId(pid, start_time)
