# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide what the boot of the host starts, by policy and wish; pure."""

from __future__ import annotations

from ..model.container import status
from ..model.container.restart_policy import ON_FAILURE
from ..model.engine.record import ContainerRecord


def stays(record: ContainerRecord) -> bool:
    """Return whether its user wants it not to run: it was stopped, or waits in a checkpoint, which a start would forget."""
    return record.stopped_by_user or record.is_checkpointed


def will_start(record: ContainerRecord) -> bool:
    """Return whether a boot starts the container, or its policy does before.

    One that has to run always is started unless its user stopped it (podman-restart.service starts it even then, and
    forgets the user's wish) or never started it; one that has to run until it succeeds, if the host ended its run.
    """
    if record.status not in status.STARTABLE or record.started is None or stays(record):
        return False
    if record.restart_at is not None:
        return True
    policy = record.spec.restart_policy
    if policy.word == ON_FAILURE:
        return record.interrupted
    return policy.persistent
