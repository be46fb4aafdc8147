# SPDX-License-Identifier: GPL-3.0-or-later
"""Adoption of a container that runs unknown to its record, after the database was rebuilt or restored."""

from __future__ import annotations

import os
import time
from contextlib import suppress

from ...errors import EngineError
from ...frozen import replace
from ...kernel import procstat
from ...kernel.process import Process
from ...model.container import status
from ...model.engine.layout import Layout
from ...model.engine.record import ContainerRecord, ProcessId
from ...runtime import oci

_ALIVE = {"running": status.RUNNING, "paused": status.PAUSED, "created": status.CREATED}


def taken_up(layout: Layout, record: ContainerRecord, process: Process) -> ContainerRecord:
    """Return the record of a container with this first process.

    Sources: the runtime's state, the kernel, and the monitor's pid file.
    """
    runtime = _runtime(layout, record.id)
    state = None
    with suppress(EngineError):
        state = runtime.state(record.id) if runtime else None
    return replace(
        record,
        status=_ALIVE.get(state.status if state else "", status.RUNNING),
        process=ProcessId(process.pid, process.start_time),
        monitor=_monitor(layout, record.id),
        started=_started(process),
        runtime=runtime.path if runtime else "",
        cgroup=_cgroup(process, record.id) or layout.cgroup(record.id),
        finished=None,
        exit_code=None,
        oom_killed=False,
        restart_at=None,
    )


def _runtime(layout: Layout, container_id: str) -> oci.OciRuntime | None:
    """Return the runtime that created the container, by the name of its state file."""
    name = "crun" if os.path.exists(f"{layout.runtime_root}/{container_id}/status") else "runc"
    with suppress(EngineError):
        return oci.find_runtime(name, root=layout.runtime_root)
    return None


def _monitor(layout: Layout, container_id: str) -> ProcessId | None:
    with suppress(OSError, ValueError):
        with open(layout.container(container_id).conmon_pid_file, encoding="ascii") as stream:
            process = Process.of(int(stream.read(32)))
        return ProcessId(process.pid, process.start_time) if process else None
    return None


def _started(process: Process) -> int:
    """Return when a process was started, in nanoseconds since the epoch."""
    since_boot = process.start_time / os.sysconf("SC_CLK_TCK")
    return time.time_ns() - int((time.clock_gettime(time.CLOCK_BOOTTIME) - since_boot) * 1e9)


def _cgroup(process: Process, container_id: str) -> str:
    """Return the container's cgroup: that of the process, up to the component that has the container's id."""
    for line in os.fsdecode(procstat.read(process.pid, "cgroup")).splitlines():
        path = line.split(":", 2)[-1]
        head, found, tail = path.partition(container_id)
        if found:
            return f"{head}{found}{tail.partition('/')[0]}"
    return ""
