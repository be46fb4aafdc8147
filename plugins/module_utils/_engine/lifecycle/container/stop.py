# SPDX-License-Identifier: GPL-3.0-or-later
"""Stop a container: its stop signal, a timeout, then KILL (seed: stop, waitForExitFileAndSync)."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from types import MappingProxyType

from ...errors import RuntimeFailed
from ...kernel.cgroup import cgroups
from ...kernel.process import Process, leads_namespace
from ...model.container import status
from ...model.container.program import stop_signal
from ...model.engine.record import ContainerRecord
from ...model.image.config import ImageConfig
from ...plan.boot import will_start
from ..core.engine import Engine
from ..core.facts import save
from ..core.waiter import wake
from ..guard.cleanup import cleanup
from ..guard.hold import hold
from ..resources.cgroup import cgroup_of

#: Seconds that a killed process may take to disappear; a longer time means that it hangs in the kernel.
_KILL_PATIENCE = 30.0
#: Seconds; as good as no limit, and still a number that poll(2) takes.
FOREVER = 10.0 * 365 * 24 * 3600
#: Marks of a stop by the user: neither the restart policy nor a boot starts the container again.
BY_USER: Mapping[str, object] = MappingProxyType(
    {"stopped_by_user": True, "restart_at": None, "start_pending": False}
)
#: Marks of a stop before a start: if the start fails or is killed, the next task carries it out.
TO_START: Mapping[str, object] = MappingProxyType({**BY_USER, "start_pending": True})


def stop(
    engine: Engine,
    container_id: str,
    config: ImageConfig | None,
    *,
    timeout: int | None = None,
    marks: Mapping[str, object] = BY_USER,
) -> ContainerRecord:
    """Stop the container, clean up, and return its record. No lock is held while its process exits.

    A paused container gets the signal and is thawed, so that it can exit by itself. ``timeout`` is in seconds (-1: no
    limit; None: the spec's). ``marks`` are saved in the record. Raises RuntimeFailed if even KILL has no effect.
    """
    with engine.timings.of("stop"):
        with hold(engine, container_id, "stop") as held:
            if held.status not in status.ALIVE or held.process is None:
                return _stay(engine, held, marks)
            process = Process(*held.process)
            record = _ask(engine, save(engine, held, **marks), process, stop_signal(held.spec, config))
        _wait(engine, record, process, record.spec.stop_timeout if timeout is None else timeout)
    with hold(engine, container_id, "stop") as ended:
        engine.tell("container", "stop", ended.id, ended.name)
        return cleanup(engine, ended)


def _stay(engine: Engine, record: ContainerRecord, marks: Mapping[str, object]) -> ContainerRecord:
    """Mark a container that is not alive, if its policy or the next boot would start it; the lock is held."""
    marked = save(engine, record, **marks) if will_start(record) or record.start_pending else record
    if record.restart_at is not None:
        wake(engine.layout.container(record.id))
    return cleanup(engine, marked)


def kill_all(engine: Engine, record: ContainerRecord, process: Process) -> ContainerRecord:
    """Kill the container's first process, and its cgroup unless the PID namespace dies with that process.

    The lock is held for a paused container, which is thawed so that it dies: on cgroups v1 a frozen process does not.
    """
    leads = leads_namespace(process.pid)  # only known while it lives
    process.signal(signal.SIGKILL)
    if record.status == status.PAUSED:
        from ..guard.freeze import thaw_to_end

        record = thaw_to_end(engine, record)
    if not leads:
        cgroups.kill_all(cgroup_of(engine, record))
    return record


def _ask(engine: Engine, record: ContainerRecord, process: Process, signum: int) -> ContainerRecord:
    """Send the stop signal to the first process, or to all if it is not PID 1 of its own PID namespace."""
    process.signal(signum)
    if not leads_namespace(process.pid):
        for other in map(Process.of, cgroups.processes(cgroup_of(engine, record))):
            if other is not None and other != process:
                other.signal(signum)
    if record.status == status.PAUSED:
        from ..guard.freeze import thaw_to_end

        record = thaw_to_end(engine, record)
    return record


def _wait(engine: Engine, record: ContainerRecord, process: Process, timeout: int) -> None:
    if process.wait_gone(FOREVER if timeout < 0 else float(timeout)):
        return
    kill_all(engine, record, process)
    if not process.wait_gone(_KILL_PATIENCE):
        raise RuntimeFailed(
            f"container {record.name}: process {process.pid} hangs in the kernel: it exists {_KILL_PATIENCE:.0f} s after KILL",
            remedy="Look at /proc/PID/stack; the cause is often a dead disk or NFS server",
            name=record.name,
            pid=process.pid,
        )
