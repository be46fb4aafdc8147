# SPDX-License-Identifier: GPL-3.0-or-later
"""Stop a container: its stop signal, a time to end, then KILL (seed: stop, waitForExitFileAndSync)."""

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

#: How long a killed process may take to go; longer means it hangs in the kernel.
_KILL_PATIENCE = 30.0
#: As good as without end, and still a number that poll(2) takes.
FOREVER = 10.0 * 365 * 24 * 3600
#: A user's stop is a wish: no restart policy and no reboot starts the container again.
BY_USER: Mapping[str, object] = MappingProxyType(
    {"stopped_by_user": True, "restart_at": None, "start_pending": False}
)
#: A stop on the way to a start: whoever is killed between the two, or fails, leaves a start that the next task owes.
TO_START: Mapping[str, object] = MappingProxyType({**BY_USER, "start_pending": True})


def stop(
    engine: Engine,
    container_id: str,
    config: ImageConfig | None,
    *,
    timeout: int | None = None,
    marks: Mapping[str, object] = BY_USER,
) -> ContainerRecord:
    """Stop the container and return its record, cleaned up. No lock is held while its process ends.

    A paused one gets the signal and goes on, so that it can end by itself. ``timeout`` in seconds (-1: without end; None:
    the spec's). ``marks``: what the record is to say of why it ends. Raises RuntimeFailed when even KILL has no effect.
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
    """Mark a container that does not run, but that its policy or the next boot would start; the lock is held."""
    marked = save(engine, record, **marks) if will_start(record) or record.start_pending else record
    if record.restart_at is not None:
        wake(engine.layout.container(record.id))
    return cleanup(engine, marked)


def kill_all(engine: Engine, record: ContainerRecord, process: Process) -> ContainerRecord:
    """Kill the container: its first process, and all of its cgroup where no PID namespace ends them with that one.

    The lock is held for a paused container, which goes on so as to die (a frozen process does not, on cgroups v1).
    """
    leads = leads_namespace(process.pid)  # asked while it lives
    process.signal(signal.SIGKILL)
    if record.status == status.PAUSED:
        from ..guard.freeze import thaw_to_end

        record = thaw_to_end(engine, record)
    if not leads:
        cgroups.kill_all(cgroup_of(engine, record))
    return record


def _ask(engine: Engine, record: ContainerRecord, process: Process, signum: int) -> ContainerRecord:
    """Send the stop signal: to the first process, which has to tell the others, or to all when it leads no namespace."""
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
            f"container {record.name}: process {process.pid} did not end {_KILL_PATIENCE:.0f} s after KILL",
            remedy="It hangs in the kernel (often a dead disk or NFS server): see /proc/PID/stack",
            name=record.name,
            pid=process.pid,
        )
