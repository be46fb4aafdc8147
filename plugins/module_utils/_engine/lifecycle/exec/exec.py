# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command in a running container (seed: exec sessions; podman-exec(1)).

The session is recorded in the database before its first file is written, and no lock is held while the command runs. What
a killed exec leaves is found by its row (``settle``) and removed by the next exec, the next start or the container's exit.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

from ...errors import EngineError, InvalidOption, WrongState
from ...kernel.files import directory
from ...kernel.inroot import open_in_root
from ...kernel.process import Process, find_by_argument
from ...kernel.untrusted_files import PATIENCE
from ...model.container import status
from ...model.container.execution import ExecSpec
from ...model.engine.exec_session import ExecSession
from ...model.engine.record import ContainerRecord, Event, ProcessId
from ...model.image import config
from ...model.values.names import new_id
from ...rootfs import mount_state
from ...runtime import oci
from ...runtime.config import exec_process
from ...runtime.exec.execs import NOT_EXECUTABLE, NOT_FOUND, ExecFiles, Executed
from ...state import events, images
from ...state import execs as sessions
from ..core.container_users import refuse_waiting, resolved
from ..core.emergency import is_no_room
from ..core.engine import Engine
from ..core.facts import alive, observe
from ..core.lookup import find
from ..core.process_spec import own_process
from ..core.runtime import runtime_of
from ..guard.hold import hold
from ..resources.cgroup import cgroup_of

T = TypeVar("T")


class Prepared(NamedTuple):
    """A command that is ready to run: the arguments of ``runtime.exec.execs.arguments``."""

    session: ExecSession
    runtime: oci.OciRuntime
    files: ExecFiles


def check(engine: Engine, name: str, spec: ExecSpec) -> ContainerRecord:
    """Return the container's record if the command could run in it now; change nothing (check mode).

    Raises NotFound, WrongState, and InvalidOption for a user or working directory that does not exist.
    """
    record = observe(engine, find(engine, name))
    _process(engine, require_running(record), spec)
    return record


def execute(
    engine: Engine, name: str, spec: ExecSpec, *, stdin: bytes = b"", timeout: float | None = None
) -> tuple[str, Executed]:
    """Run the command and wait for it; return the session's id, and the exit code and output.

    Raises NotFound, WrongState, InvalidOption, CommandTimeout and RuntimeFailed (with ``rc`` as in podman-exec(1)).
    """
    began = time.monotonic()

    def run(prepared: Prepared) -> Executed:
        left = None if timeout is None else max(0.0, began + timeout - time.monotonic())
        if spec.tty:
            from ...runtime.exec.terminal import run_in_terminal

            return run_in_terminal(*prepared[1:], prepared.session.container_id, stdin=stdin, timeout=left)
        from ...runtime.exec import run as execrun

        return execrun.run(
            *prepared[1:], prepared.session.container_id, stdin=stdin, timeout=left, asked=timeout
        )

    with engine.timings.of("exec"):
        patience = PATIENCE if timeout is None else min(timeout, PATIENCE)
        return attended(engine, name, spec, run, code=lambda done: done.code, patience=patience)


def attended(
    engine: Engine,
    name: str,
    spec: ExecSpec,
    run: Callable[[Prepared], T],
    *,
    code: Callable[[T], int],
    patience: float = PATIENCE,
) -> tuple[str, T]:
    """Prepare the command, call ``run``, and clean up; return the session's id and the result of ``run``.

    Looking up the user in the container's files may take ``patience`` seconds.
    """
    with _session(engine, name, spec, patience) as (prepared, record):
        exit_code: int | None = None
        try:
            result = run(prepared)
            exit_code = code(result)
        finally:
            _finish(engine, record, prepared.session.id, exit_code)
    return prepared.session.id, result


@contextmanager
def _session(
    engine: Engine, name: str, spec: ExecSpec, patience: float
) -> Iterator[tuple[Prepared, ContainerRecord]]:
    """Yield a prepared session, with this process as its monitor; remove its files afterwards."""
    found = find(engine, name)
    with hold(engine, found.id, "exec") as record:
        prepared = prepare(engine, require_running(record), spec, monitor=myself(), patience=patience)
    try:
        yield prepared, record
    finally:
        prepared.files.remove()


def prepare(
    engine: Engine,
    record: ContainerRecord,
    spec: ExecSpec,
    *,
    monitor: ProcessId | None,
    detached: bool = False,
    patience: float = PATIENCE,
) -> Prepared:
    """Create the row and the files of a new session; the container runs, and its lock is held."""
    settle(engine, record)
    process = _process(engine, record, spec, patience)
    session = ExecSession(
        new_id(), record.id, spec.argv, spec.user, detached, time.time_ns(), monitor=monitor
    )
    runtime = runtime_of(engine, record)
    files = ExecFiles.of(engine.layout.container(record.id), session.id)
    with engine.database.transaction(durable=False) as connection:  # no session outlives the boot
        sessions.insert(connection, session)
        events.add(connection, _event(record, "exec", exec_id=session.id))
    try:
        files.write(process)
    except OSError:
        files.remove()
        finish(engine, record, session.id, None)
        raise
    return Prepared(session, runtime, files)


def finish(engine: Engine, record: ContainerRecord, session_id: str, exit_code: int | None) -> None:
    """Delete a session that has ended, and record the event; None: the exit code is unknown."""
    attributes = {} if exit_code is None else {"exit_code": str(exit_code)}
    with engine.database.transaction(durable=False) as connection:
        sessions.delete(connection, session_id)
        events.add(connection, _event(record, "exec_died", exec_id=session_id, **attributes))


def _finish(engine: Engine, record: ContainerRecord, session_id: str, exit_code: int | None) -> None:
    """Finish the session; on a full disk leave that to the next exec, because the command itself has run."""
    try:
        finish(engine, record, session_id, exit_code)
    except (EngineError, OSError) as error:
        if not is_no_room(error):
            raise


def _event(record: ContainerRecord, action: str, **attributes: str) -> Event:
    return Event(time.time_ns(), "container", action, record.id, record.name, attributes)


# -- sessions of other processes -------------------------------------------------------------------


def live(engine: Engine, record: ContainerRecord) -> tuple[ExecSession, ...]:
    """Return the container's sessions of which the process or its monitor is alive."""
    with engine.database.reading() as connection:
        known = sessions.of(connection, record.id)
    return tuple(session for session in known if _lives(engine, record, session))


def settle(engine: Engine, record: ContainerRecord) -> None:
    """Clean up the sessions of which neither process nor monitor is alive; the container's lock is held."""
    with engine.database.reading() as connection:
        known = sessions.of(connection, record.id)
    for session in known:
        if not _lives(engine, record, session):
            ExecFiles.of(engine.layout.container(record.id), session.id).remove()
            finish(engine, record, session.id, None)


def _lives(engine: Engine, record: ContainerRecord, session: ExecSession) -> bool:
    if alive(session.monitor) or alive(session.process):
        return True
    files = ExecFiles.of(engine.layout.container(record.id), session.id)
    pid = files.read_pid()
    if not pid:  # the runtime may be about to write it, although its caller was killed
        return bool(find_by_argument(files.process))
    process = Process.of(pid)
    # The PID may have been reused: a process of the container is in its cgroup.
    return process is not None and _in_container(engine, record, process)


def _in_container(engine: Engine, record: ContainerRecord, process: Process) -> bool:
    from ...kernel.cgroup import cgroups

    return process.pid in cgroups.processes(cgroup_of(engine, record))


# -- preconditions and the process's configuration -------------------------------------------------


def require_running(record: ContainerRecord) -> ContainerRecord:
    """Return the record if the container is running. Raises WrongState otherwise."""
    if record.status == status.RUNNING and record.process is not None:
        return record
    remedy = "Unpause it first" if record.status == status.PAUSED else "Start it first"
    raise WrongState(
        f"container {record.name} is {record.status}, so no command can run in it",
        remedy=remedy,
        name=record.name,
        status=record.status,
    )


def _process(
    engine: Engine, record: ContainerRecord, spec: ExecSpec, patience: float = PATIENCE
) -> dict[str, Any]:
    mount_state.check(engine.layout.container(record.id), record.name, record.driver)
    own = own_process(engine.layout, record.id, record.name)
    every: frozenset[str] = frozenset()
    if spec.privileged:
        from ...runtime import host

        every = host.facts(record.spec).capabilities
    user = None
    if spec.user is not None and record.process is not None:  # a running container has a process
        groups = record.spec.group_add or ()
        user = resolved(record.process.pid, spec.user, groups, seconds=patience)
    if record.process is not None:
        refuse_waiting(record.process.pid, seconds=patience)
    if spec.workdir is not None and record.process is not None:
        _check_workdir(record.process.pid, spec.workdir)
    return exec_process.build(own, spec, user, home_given=_home_given(engine, record), all_capabilities=every)


def _home_given(engine: Engine, record: ContainerRecord) -> bool:
    if "HOME" in (record.spec.env or {}):
        return True
    with engine.database.reading() as connection:
        image = images.get(connection, record.image_id) if record.image_id else None
    return image is not None and any(item.startswith("HOME=") for item in config.parse(image.config).env)


def myself() -> ProcessId:
    """Return the identity of this process, to record it as a session's monitor."""
    me = Process.of(os.getpid())
    if me is None:
        raise ProcessLookupError("this process has no entry in /proc")
    return ProcessId(me.pid, me.start_time)


def _check_workdir(pid: int, path: str) -> None:
    """Check that the path is a directory in the container. Raises InvalidOption (``rc``: podman-exec(1))."""
    with directory(f"/proc/{pid}/root") as root:
        try:
            os.close(open_in_root(root, path, os.O_PATH | os.O_DIRECTORY))
        except (FileNotFoundError, NotADirectoryError) as error:
            missing = isinstance(error, FileNotFoundError)
            refusal = InvalidOption(
                "workdir",
                path,
                "does not exist in the container" if missing else "is not a directory in the container",
                remedy="Name an existing directory of the container, or create it first",
            )
            refusal.fields["rc"] = NOT_FOUND if missing else NOT_EXECUTABLE
            raise refusal from None
