# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a detached command in a running container, and record its exit (seed: exec sessions)."""

from __future__ import annotations

from ...errors import EngineError
from ...model.container.execution import ExecSpec
from ...model.engine.record import ContainerRecord, ProcessId
from ...runtime.conmon import find_conmon
from ...runtime.exec import monitor as execmonitor
from ...runtime.exec.execs import ExecFiles
from ...state import execs as sessions
from ..core.engine import Engine
from ..core.lookup import find
from ..guard.hold import hold
from ..resources import cgroup
from .exec import finish, prepare, require_running


def detach(engine: Engine, name: str, spec: ExecSpec, exit_command: tuple[str, ...]) -> str:
    """Start the command and return the session's id.

    conmon runs ``exit_command``, with the ids of session and container appended, when the command has exited. The
    container's lock is held until the command has started. Raises what ``exec.execute`` raises.
    """
    program = find_conmon(engine.conmon)
    with hold(engine, find(engine, name).id, "exec") as record:
        prepared = prepare(engine, require_running(record), spec, monitor=None, detached=True)
        session, files = prepared.session, prepared.files
        command = (*exit_command, session.id, record.id)
        try:
            with engine.timings.of("exec"):
                process, monitor = execmonitor.start(
                    program,
                    prepared.runtime,
                    record.id,
                    files,
                    command,
                    move=cgroup.monitor_mover(engine, record),
                )
        except (EngineError, OSError):
            files.remove()
            finish(engine, record, session.id, None)
            raise
        with engine.database.transaction(durable=False) as connection:
            sessions.update(
                connection,
                session._replace(
                    process=ProcessId(process.pid, process.start_time) if process else None,
                    monitor=ProcessId(monitor.pid, monitor.start_time) if monitor else None,
                ),
            )
    return session.id


def ended(engine: Engine, record: ContainerRecord, session_id: str) -> None:
    """Record that a detached command has exited, and remove its session and files.

    The agent calls this with the container's lock held.
    """
    with engine.database.reading() as connection:
        session = sessions.get(connection, session_id)
    if session is None or session.container_id != record.id:
        return
    files = ExecFiles.of(engine.layout.container(record.id), session.id)
    code = execmonitor.exit_code(files, record.id)
    files.remove()
    finish(engine, record, session.id, code)
