# SPDX-License-Identifier: GPL-3.0-or-later
"""Recover a container from a start, or another verb with an intent, that was killed.

The caller holds the lock, so an intent in the record belongs to a dead verb. If a start got as far as a running process,
that is adopted; otherwise everything is torn down, and the container is as before the start.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from ...kernel.process import Process, find_by_argument
from ...model.container import status
from ...model.container.checkpoint import IMPORT
from ...model.engine.layout import ContainerLayout
from ...model.engine.record import ContainerRecord, ProcessId
from ..core.engine import Engine
from ..core.facts import save, save_and_tell
from .cleanup import release, release_shared

#: Programs that a killed start leaves running. Others with the id as argument, such as the agent or a tail, are left alone.
_STARTERS = frozenset({"conmon", "crun", "runc"})
_GONE = 5.0


def recover(engine: Engine, record: ContainerRecord) -> ContainerRecord:
    """Return the record after completing or undoing a verb that died."""
    if record.intent in ("start", "restore"):
        return _mend_start(engine, record)
    if record.intent == IMPORT:  # an incomplete import can only be removed
        return save(engine, record, status=status.REMOVING)
    mend = _mender(record.intent)
    return mend(engine, record) if mend else record


def _mender(intent: str) -> Callable[[Engine, ContainerRecord], ContainerRecord] | None:
    """Return the function that recovers from a verb; imported on demand, because that is rare."""
    if intent in ("pause", "unpause"):
        from .freeze import mend

        return mend
    if intent == status.STILL:
        from .freeze import mend_stilled

        return mend_stilled
    if intent == "update":
        from .limits import mend as mend_limits

        return mend_limits
    if intent == "rewire":
        from ..wiring.rewire import mend as mend_networks

        return mend_networks
    if intent == "checkpoint":
        from .checkpoint_files import mend as mend_checkpoint

        return mend_checkpoint
    return None


def _mend_start(engine: Engine, record: ContainerRecord) -> ContainerRecord:
    container = engine.layout.container(record.id)
    from ..core.runtime import runtime_of

    state = runtime_of(engine, record).state(record.id)
    if state is not None and state.status == "running" and state.pid:
        return _adopt(engine, record, container, state.pid)
    end_starters(record.id)
    release(engine, record)
    after = status.CONFIGURED if record.started is None else status.EXITED
    mended = save(engine, record, status=after, intent="", process=None, monitor=None)
    release_shared(engine, mended)
    return mended


def _adopt(engine: Engine, record: ContainerRecord, container: ContainerLayout, pid: int) -> ContainerRecord:
    return save_and_tell(
        engine,
        record,
        ("start",),
        status=status.RUNNING,
        intent="",
        process=_identify(pid),
        monitor=_identify(_read_pid(container.conmon_pid_file)),
        started=time.time_ns(),
        stopped_by_user=False,
        interrupted=False,
        start_pending=False,
        restart_at=None,
        **_of_checkpoint(record),
    )


def _of_checkpoint(record: ContainerRecord) -> dict[str, object]:
    """Return the fields about checkpoints for a run that is adopted.

    Whether a restore was to keep its checkpoint is unknown, so it is kept. After a start, the record has none; leftover
    files are removed by the next checkpoint.
    """
    if record.intent == "start":
        return {"checkpointed": None, "restored": None, "finished": None}
    return {"restored": time.time_ns(), "finished": None}


def _identify(pid: int) -> ProcessId | None:
    process = Process.of(pid) if pid > 0 else None
    return ProcessId(process.pid, process.start_time) if process else None


def _read_pid(path: str) -> int:
    try:
        with open(path, encoding="ascii") as stream:
            return int(stream.read(32))
    except (OSError, ValueError):
        return 0


def end_starters(container_id: str) -> None:
    """Kill a conmon and a runtime that still work on an orphaned start."""
    for process in find_by_argument(container_id):
        if process.pid != os.getpid() and _name(process.pid) in _STARTERS:
            process.signal(9)
            process.wait_gone(_GONE)


def _name(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as stream:
            return stream.read().strip()
    except OSError:
        return ""
