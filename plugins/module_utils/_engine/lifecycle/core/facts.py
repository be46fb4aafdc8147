# SPDX-License-Identifier: GPL-3.0-or-later
"""Correct a container's record by the facts: from the kernel, the exit file and the OCI runtime."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from ...errors import EngineError
from ...frozen import replace
from ...kernel.process import Process
from ...model.container import namespaces, status
from ...model.container.cgroup import is_scope
from ...model.engine.layout import ContainerLayout
from ...model.engine.marks import marks
from ...model.engine.record import ContainerRecord, Event, ProcessId
from ...plan.settle import Facts, settle
from ...state import containers, events
from .engine import Engine

#: Seconds. conmon writes the exit file shortly after the process exits; libpod waits as long (seed: waitForExitFileAndSync).
EXIT_FILE_PATIENCE = 5.0
_KILLED = 128 + signal.SIGKILL


def gather(engine: Engine, record: ContainerRecord, *, patience: float = EXIT_FILE_PATIENCE) -> Facts:
    """Return the facts of a container whose record claims a process."""
    process, monitor = alive(record.process), alive(record.monitor)
    if process is not None:  # alive, so there is no exit to look for
        asked = record.status == status.PAUSED or (record.status == status.RUNNING and not record.intent)
        frozen = _is_frozen(process) if asked else None
        return Facts(process, monitor, seen=time.time_ns(), frozen=frozen)
    facts = _ended(engine.layout.container(record.id), monitor, patience)
    if facts.exit_code == _KILLED and not facts.oom_killed and is_scope(record.cgroup):
        from ...kernel.cgroup import oomlog  # systemd may have removed the cgroup before conmon could look

        return facts._replace(oom_killed=oomlog.killed(record.cgroup, record.started or 0))
    return facts


def _is_frozen(process: ProcessId) -> bool:
    from ...kernel.cgroup.freezer import is_frozen  # only needed for a living process

    return is_frozen(process.pid)


def _ended(container: ContainerLayout, monitor: ProcessId | None, patience: float) -> Facts:
    from ...runtime.exits import read_exit, wait_for_exit

    if monitor is not None:  # without a monitor the file will not be written
        found = wait_for_exit(container, patience, monitor=Process(monitor.pid, monitor.start_time))
    else:
        found = read_exit(container)
    if found is None:
        return Facts(monitor=monitor, seen=time.time_ns())
    return Facts(None, monitor, True, found.code, found.finished, found.oom_killed, time.time_ns())


def alive(process: ProcessId | None) -> ProcessId | None:
    """Return the process if it is still the same one and alive, else None."""
    return process if process is not None and Process(process.pid, process.start_time).alive() else None


def observe(engine: Engine, record: ContainerRecord) -> ContainerRecord:
    """Return the record corrected by the facts, without lock or save: for reading verbs and check mode."""
    record = _found_alive(engine, record)
    if record.status not in status.CLAIMS:
        return record
    return settle(record, gather(engine, record, patience=0.2))


def sync(engine: Engine, record: ContainerRecord) -> ContainerRecord:
    """Correct the record by the facts and save it; the container's lock is held (seed: syncContainer)."""
    found = _found_alive(engine, record)
    if found is not record:
        if found.status == status.PAUSED and not status.may_move(record.status, status.PAUSED):
            save(engine, found, status=status.RUNNING)
        record = save(engine, found)
    if record.status not in status.CLAIMS:
        return record
    _end_rest(engine, record)
    facts = gather(engine, record)
    if facts.monitor is not None and facts.process is None and not facts.exited:
        _end_monitor(facts.monitor)
    settled = settle(record, facts)
    if settled != record:
        told = ("died",) if settled.status == status.STOPPED else ()
        save_and_tell(engine, settled, told, {"exit_code": str(settled.exit_code)})
    return settled


def _found_alive(engine: Engine, record: ContainerRecord) -> ContainerRecord:
    """Return the corrected record if the runtime knows a living process that the record does not.

    This happens when the database was restored from another time. With an intent, a verb is running or was killed, and
    its record is right.
    """
    if record.intent or record.status == status.REMOVING or alive(record.process) is not None:
        return record
    from .unknown_containers import noted

    process = noted(engine.layout.runtime_root, record.id)
    if process is None:
        return record
    from .adopt import taken_up

    return taken_up(engine.layout, record, process)


def _end_monitor(monitor: ProcessId) -> None:
    """Kill a conmon that did not write the exit file in time: it hangs, and would outlive the container."""
    if monitor.pid != os.getpid():  # conmon, once done, executes the agent, with the same pid
        process = Process(*monitor)
        process.signal(signal.SIGKILL)
        process.wait_gone(EXIT_FILE_PATIENCE)


def _end_rest(engine: Engine, record: ContainerRecord) -> None:
    """Kill the processes that an exited container left in a shared PID namespace.

    In its own namespace the kernel does so. conmon writes the exit file only once no process holds the output open.
    """
    if not namespaces.is_own(record.spec.pid or "") and alive(record.process) is None:
        from ...kernel.cgroup import cgroups

        cgroups.kill_all(record.cgroup or engine.layout.cgroup(record.id))


def save(engine: Engine, record: ContainerRecord, **changes: object) -> ContainerRecord:
    """Save the record with the changes, and return it. Raises what ``save_and_tell`` raises."""
    return save_and_tell(engine, record, (), **changes)


def save_and_tell(
    engine: Engine,
    record: ContainerRecord,
    told: Sequence[str],
    attributes: Mapping[str, str] = MappingProxyType({}),
    /,
    **changes: object,
) -> ContainerRecord:
    """Save the record with the changes, record the actions ``told`` as events, and return the record.

    In one transaction: an event can't be lost without its change, and each transaction costs a disk sync. ``attributes``
    are those of each event. Raises EngineError for a transition that the table in model/container/status.py lacks, which is a
    bug of the engine.
    """
    changed = replace(record, **changes) if changes else record  # type: ignore[arg-type]
    with engine.database.transaction() as connection:
        before = containers.status_of(connection, record.id)
        if before is not None and not status.may_move(before, changed.status):
            raise EngineError(
                f"container {record.name} can't change from state {before} to {changed.status}",
                remedy="This is a bug in slipway.oci: please report it",
                name=record.name,
                status=before,
            )
        containers.update(connection, changed)
        for action in told:
            events.add(
                connection,
                Event(time.time_ns(), "container", action, changed.id, changed.name, {**attributes}),
            )
    if "spec" in changes:
        from .sidecars import keep_container

        keep_container(engine, changed)
    if changes and marks(record) != marks(changed):
        from .sidecars import keep_marks

        keep_marks(engine, changed)
    return changed
