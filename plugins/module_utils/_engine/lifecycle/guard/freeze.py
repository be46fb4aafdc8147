# SPDX-License-Identifier: GPL-3.0-or-later
"""Freeze and thaw a container whose lock is held.

The intent is in the record before the runtime is called. After a kill, the state of the kernel's freezer decides whether the
verb took effect (``mend``).
"""

from __future__ import annotations

from contextlib import suppress

from ...errors import EngineError, HostLacks, RuntimeFailed
from ...kernel.cgroup import freezer
from ...kernel.process import Process
from ...model.container import status
from ...model.container.cgroup import DISABLED
from ...model.engine.record import ContainerRecord
from ..core.engine import Engine
from ..core.facts import save, save_and_tell
from ..core.runtime import runtime_of

PAUSE, UNPAUSE = "pause", "unpause"


def freeze(engine: Engine, record: ContainerRecord) -> ContainerRecord:
    """Freeze a running container."""
    return _carry_out(engine, record, PAUSE)


def thaw(engine: Engine, record: ContainerRecord) -> ContainerRecord:
    """Thaw a paused container."""
    return _carry_out(engine, record, UNPAUSE)


def thaw_to_end(engine: Engine, record: ContainerRecord) -> ContainerRecord:
    """Thaw a paused container that was sent a signal, and may have exited already; do nothing for others."""
    if record.status != status.PAUSED or record.process is None:
        return record
    try:
        return thaw(engine, record)
    except RuntimeFailed:
        if Process(*record.process).alive():
            raise
        return save(engine, record, status=status.RUNNING)  # the next sync finds its exit status


def check_freezer(record: ContainerRecord) -> None:
    """Raise HostLacks if the kernel can't freeze the container's processes."""
    # Without its own cgroup it is in that of other processes, which would be frozen too.
    without = record.spec.cgroups == DISABLED
    if record.process is not None and (without or not freezer.can_freeze(record.process.pid)):
        raise HostLacks(
            f"container {record.name} has no cgroup that can be frozen",
            remedy="Use cgroups v2, or mount the v1 hierarchy freezer,"
            " and give the container a cgroup of its own",
            feature="freezer",
            name=record.name,
        )


def mend(engine: Engine, record: ContainerRecord) -> ContainerRecord:
    """Return the record after a killed pause or unpause, with the kernel's state of the freezer."""
    after = record.status
    if after in status.ALIVE and record.process is not None:
        after = status.PAUSED if freezer.is_frozen(record.process.pid) else status.RUNNING
    return save(engine, record, status=after, intent="")


def thaw_stilled(engine: Engine, record: ContainerRecord) -> None:
    """Thaw a container that was frozen for a snapshot, if it is alive and frozen, even if only partly."""
    if record.process is None or not freezer.is_frozen(record.process.pid):
        return
    try:
        runtime_of(engine, record).resume(record.id)
    except RuntimeFailed:
        if Process(*record.process).alive():
            raise


def mend_stilled(engine: Engine, record: ContainerRecord) -> ContainerRecord:
    """Thaw a container that was frozen for a snapshot by a process that died, and return its record."""
    thaw_stilled(engine, record)
    return save(engine, record, intent="")


def _carry_out(engine: Engine, record: ContainerRecord, verb: str) -> ContainerRecord:
    runtime = runtime_of(engine, record)
    record = save(engine, record, intent=verb)
    try:
        (runtime.pause if verb == PAUSE else runtime.resume)(record.id)
    except EngineError:
        if verb == PAUSE:  # a partly frozen container is worse than a running one
            with suppress(EngineError):
                runtime.resume(record.id)
        mend(engine, record)
        raise
    after = status.PAUSED if verb == PAUSE else status.RUNNING
    return save_and_tell(engine, record, (verb,), status=after, intent="")
