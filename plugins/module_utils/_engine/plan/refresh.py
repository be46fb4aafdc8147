# SPDX-License-Identifier: GPL-3.0-or-later
"""Update records after a reboot (seed: resetState); pure."""

from __future__ import annotations

from ..frozen import replace
from ..model.container import status
from ..model.container.checkpoint import IMPORT
from ..model.engine.record import ContainerRecord
from .boot import will_start
from .restart import decide


def refreshed(record: ContainerRecord) -> ContainerRecord:
    """Return the record after a reboot, which ended the container's process; a partial removal stays one.

    Unlike in libpod, a container that the user stopped stays stopped, and an observed exit is kept. ``interrupted`` means that
    the reboot ended the run, or a pending restart.
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
    """Return whether a refreshed record belongs to a container with ``rm`` that will not be started again."""
    ended = record.status in (status.CONFIGURED, status.EXITED) and record.started is not None
    return record.spec.rm and ended and not (will_start(record) or record.is_checkpointed)
