# SPDX-License-Identifier: GPL-3.0-or-later
"""Handling of a container's exit: clean up, then restart, remove or leave it (seed: handleRestartPolicy)."""

from __future__ import annotations

import time

from ...errors import NotFound
from ...model.container import status
from ...model.engine.record import ContainerRecord
from ...plan import restart
from ..core.engine import Engine
from ..core.facts import save
from ..guard.cleanup import CleanupIncomplete, cleanup
from ..guard.hold import hold


def exited(engine: Engine, container_id: str, command: tuple[str, ...], *, keep: bool) -> None:
    """Handle conmon's call at a container's exit; this blocks until a restart that the policy wants is done.

    ``command`` is the exit command for conmon at the next start. With ``keep``, the task that runs the container in the
    foreground restarts and removes it, and this only cleans up.
    """
    try:
        with hold(engine, container_id, "cleanup") as record:
            ended = after_end(engine, record)
            if keep or engine.unrecorded:  # unrecorded: start nothing that the database could not record
                return
            if ended.restart_at is None:
                _discard(engine, ended)
                return
        from .restart_policy import carry_out

        carry_out(engine, container_id, command)
        with hold(engine, container_id, "cleanup") as record:
            _discard(engine, record)
    except NotFound:  # removed meanwhile
        return


def _discard(engine: Engine, record: ContainerRecord) -> None:
    """Remove the container if it has ``rm`` and has exited for good; the lock is held."""
    if _is_over(record):
        from .remove import remove_held

        remove_held(engine, record, with_volumes=True)


def _is_over(record: ContainerRecord) -> bool:
    """Return whether the container has ``rm`` and exited for good: no restart or checkpoint is pending."""
    waits = record.restart_at is not None or record.is_checkpointed
    return record.spec.rm and record.status == status.EXITED and not waits


def after_end(engine: Engine, record: ContainerRecord) -> ContainerRecord:
    """Clean up a container that has exited, and return its record; ``restart_at`` says when to restart it.

    The lock is held, the record synced. In state *stopped*, the exit was observed and the restart policy not yet
    applied: its decision is saved first, so that it survives a kill of this process.
    """
    if record.status != status.STOPPED or record.restart_at is not None:
        return cleanup(engine, record)
    verdict = restart.decide(record)
    if not verdict.restart:
        return cleanup(engine, record)
    due = time.time_ns() + verdict.delay
    record = save(engine, record, restart_at=due, crashes=verdict.crashes)
    try:
        return cleanup(engine, record)
    except CleanupIncomplete as error:  # the restart tries again
        return save(engine, record, error=str(error))
