# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide what a reboot leaves of a record (seed: resetState); pure."""

from __future__ import annotations

from ..frozen import replace
from ..model.container import status
from ..model.container.checkpoint import IMPORT
from ..model.engine.record import ContainerRecord
from .boot import will_start
from .restart import decide


def refreshed(record: ContainerRecord) -> ContainerRecord:
    """Return the record of a container whose process is gone with the last boot, unless it is half removed.

    Unlike libpod, what a user has stopped stays stopped, and an end that was seen stays one. ``interrupted`` says that
    nobody wished the run to end: it went on, or was about to go on.
    """
    if record.status == status.REMOVING or record.intent == IMPORT:
        return replace(record, status=status.REMOVING, process=None, monitor=None, restart_at=None)
    ended = record.status in (status.STOPPED, status.EXITED)
    judged = record.restart_at is not None or (record.status == status.STOPPED and decide(record).restart)
    changed = replace(
        record,
        status=status.EXITED if ended else status.CONFIGURED,
        interrupted=record.interrupted or judged or record.status in status.ALIVE,
        intent="",
        process=None,
        monitor=None,
        restart_at=None,
        restart_count=0,
        crashes=0,
    )
    return changed if ended else replace(changed, exit_code=None, finished=None, oom_killed=False)


def is_over(record: ContainerRecord) -> bool:
    """Return whether a refreshed record is of a container with ``rm`` whose run the reboot has ended for good."""
    ended = record.status in (status.CONFIGURED, status.EXITED) and record.started is not None
    return record.spec.rm and ended and not (will_start(record) or record.is_checkpointed)
