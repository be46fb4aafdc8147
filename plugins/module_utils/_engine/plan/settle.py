# SPDX-License-Identifier: GPL-3.0-or-later
"""Correct a record by the facts (seed: syncContainer, checkExitFile); pure."""

from __future__ import annotations

from typing import NamedTuple, Optional

from ..frozen import replace
from ..model.container import status
from ..model.engine.record import ContainerRecord, ProcessId


class Facts(NamedTuple):
    """What the kernel says of a container now.

    ``process`` is the container's process if it lives, ``monitor`` conmon's. ``exited``: an exit file is there; its
    code may be unknown all the same. ``seen`` is the time of looking, in nanoseconds since the epoch. ``frozen`` is asked
    of what runs or should be paused, None where it was not.
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
    """Return the record as the facts have it. The database never outranks the kernel.

    An ended process without an exit file has an unknown exit code: None, not 0 (pain 11).
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
    """Return whether a container that lives stands still, whoever has frozen or thawed it."""
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
        # Exit files have the kernel's coarse clock (ktime_get_coarse), some file systems whole seconds: both are behind ours.
        finished=max(facts.finished or facts.seen, record.started or 0),
        # conmon's mark says that memory ran out, and then the kernel kills, unless it was asked not to.
        oom_killed=facts.oom_killed and not record.spec.oom_kill_disable,
    )
