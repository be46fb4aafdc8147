# SPDX-License-Identifier: GPL-3.0-or-later
"""Freeze and thaw a container whose lock is held.

The intent is in the record before the runtime is asked, and whether the kernel has frozen the processes decides what a
killed verb has led to (``mend``).
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
    """Freeze a container that runs."""
    return _carry_out(engine, record, PAUSE)


def thaw(engine: Engine, record: ContainerRecord) -> ContainerRecord:
    """Let a paused container go on."""
    return _carry_out(engine, record, UNPAUSE)


def thaw_to_end(engine: Engine, record: ContainerRecord) -> ContainerRecord:
    """Let a paused container go on that was sent a signal, and may have ended of it already; others stay as they are."""
    if record.status != status.PAUSED or record.process is None:
        return record
    try:
        return thaw(engine, record)
    except RuntimeFailed:
        if Process(*record.process).alive():
            raise
        return save(engine, record, status=status.RUNNING)  # the next look tells how it ended


def check_freezer(record: ContainerRecord) -> None:
    """Raise HostLacks when the kernel can't freeze the container's processes."""
    # Without a cgroup of its own it is in that of others, who would stand still with it.
    without = record.spec.cgroups == DISABLED
    if record.process is not None and (without or not freezer.can_freeze(record.process.pid)):
        raise HostLacks(
            f"container {record.name} is in no cgroup that can be frozen",
            remedy="Pausing needs the cgroup freezer: cgroups v2, or the v1 hierarchy freezer mounted,"
            " and a container with a cgroup of its own",
            feature="freezer",
            name=record.name,
        )


def mend(engine: Engine, record: ContainerRecord) -> ContainerRecord:
    """Return the record of a container whose pausing or going on was killed: what the kernel has done holds."""
    after = record.status
    if after in status.ALIVE and record.process is not None:
        after = status.PAUSED if freezer.is_frozen(record.process.pid) else status.RUNNING
    return save(engine, record, status=after, intent="")


def thaw_stilled(engine: Engine, record: ContainerRecord) -> None:
    """Let a container go on that stood still, if it lives and is frozen: half frozen is worse than not."""
    if record.process is None or not freezer.is_frozen(record.process.pid):
        return
    try:
        runtime_of(engine, record).resume(record.id)
    except RuntimeFailed:
        if Process(*record.process).alive():
            raise


def mend_stilled(engine: Engine, record: ContainerRecord) -> ContainerRecord:
    """Return the record of a container that was frozen by who is dead; it goes on."""
    thaw_stilled(engine, record)
    return save(engine, record, intent="")


def _carry_out(engine: Engine, record: ContainerRecord, verb: str) -> ContainerRecord:
    runtime = runtime_of(engine, record)
    record = save(engine, record, intent=verb)
    try:
        (runtime.pause if verb == PAUSE else runtime.resume)(record.id)
    except EngineError:
        if verb == PAUSE:  # half frozen is worse than not
            with suppress(EngineError):
                runtime.resume(record.id)
        mend(engine, record)
        raise
    after = status.PAUSED if verb == PAUSE else status.RUNNING
    return save_and_tell(engine, record, (verb,), status=after, intent="")
