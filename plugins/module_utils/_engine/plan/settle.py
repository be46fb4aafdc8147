# SPDX-License-Identifier: GPL-3.0-or-later
"""Correct a record by the observed facts (seed: syncContainer, checkExitFile); pure."""

from __future__ import annotations

from typing import NamedTuple, Optional

from ..frozen import replace
from ..model.container import status
from ..model.engine.record import ContainerRecord, ProcessId


class Facts(NamedTuple):
    """The observed state of a container.

    ``process`` is the container's process if it is alive, ``monitor`` conmon's. ``exited``: an exit file exists, although the
    exit code may be unknown. ``seen`` is the time of the observation, in nanoseconds since the epoch. ``frozen`` is None if it
    was not checked, as for containers that neither run nor should be paused.
    """

    process: ProcessId | None = None
    monitor: ProcessId | None = None
    exited: bool = False
    exit_code: int | None = None
    finished: int | None = None
    oom_killed: bool = False
    seen: int = 0
    frozen: Optional[bool] = None


def settle(record: ContainerRecord, facts: Facts) -> ContainerRecord:
    """Return the record corrected by the facts, which take precedence over the database.

    A process that is gone without an exit file has an unknown exit code: None, not 0 (pain 11).
    """
    if record.status not in status.CLAIMS:
        return record
    if facts.exited:
        return _ended(record, facts)
    if facts.process is not None:
        return replace(record, status=_moving(record, facts), process=facts.process, monitor=facts.monitor)
    if record.status == status.CREATED:
        return replace(record, status=status.CONFIGURED, process=None, monitor=None)
    return _ended(record, facts)


def _moving(record: ContainerRecord, facts: Facts) -> str:
    """Return the status of a container that is alive, running or paused, even if another program froze or thawed it."""
    if record.status == status.PAUSED and facts.frozen is False:
        return status.RUNNING
    if record.status == status.RUNNING and facts.frozen and not record.intent:
        return status.PAUSED
    return record.status


def _ended(record: ContainerRecord, facts: Facts) -> ContainerRecord:
    return replace(
        record,
        status=status.STOPPED,
        process=None,
        monitor=None,
        exit_code=facts.exit_code,
        # Times of exit files are coarse (ktime_get_coarse, or whole seconds on some file systems), and thus behind ours.
        finished=max(facts.finished or facts.seen, record.started or 0),
        # conmon's file means that memory ran out; then the kernel kills, unless the OOM killer is disabled.
        oom_killed=facts.oom_killed and not record.spec.oom_kill_disable,
    )
