# SPDX-License-Identifier: GPL-3.0-or-later
"""Do what follows the end of a container: clean up, then restart it, remove it, or leave it (seed: handleRestartPolicy)."""

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
    """Do all that conmon's call at the end of a container is for; it takes as long as a restart has to wait.

    ``command`` is what conmon calls at the next end. ``keep``: the task that runs the container in the foreground
    restarts and removes it, not we.
    """
    try:
        with hold(engine, container_id, "cleanup") as record:
            ended = after_end(engine, record)
            if keep or engine.unrecorded:  # nothing is begun that nobody would know of
                return
            if ended.restart_at is None:
                _discard(engine, ended)
                return
        from .restart_policy import carry_out

        carry_out(engine, container_id, command)
        with hold(engine, container_id, "cleanup") as record:
            _discard(engine, record)
    except NotFound:  # removed meanwhile: nothing is left to do
        return


def _discard(engine: Engine, record: ContainerRecord) -> None:
    """Remove a container with ``rm`` that has ended for good; the lock is held."""
    if _is_over(record):
        from .remove import remove_held

        remove_held(engine, record, with_volumes=True)


def _is_over(record: ContainerRecord) -> bool:
    """Tell whether nothing is to come of it. A checkpoint is there to go on from."""
    waits = record.restart_at is not None or record.is_checkpointed
    return record.spec.rm and record.status == status.EXITED and not waits


def after_end(engine: Engine, record: ContainerRecord) -> ContainerRecord:
    """Clean up a container that has ended, and return its record; ``restart_at`` says when it is to start again.

    The lock is held, the record synced. *stopped* is the state in which an end was seen and not judged: the verdict is
    saved before anything else is done, so it outlives whoever made it.
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
    except CleanupIncomplete as error:  # the start tries it once more
        return save(engine, record, error=str(error))
