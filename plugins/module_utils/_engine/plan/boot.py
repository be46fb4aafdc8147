# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide which containers a boot of the host starts; pure."""

from __future__ import annotations

from ..model.container import status
from ..model.container.restart_policy import ON_FAILURE
from ..model.engine.record import ContainerRecord


def stays(record: ContainerRecord) -> bool:
    """Return whether the container must not be started: the user stopped it, or a start would discard its checkpoint."""
    return record.stopped_by_user or record.is_checkpointed


def will_start(record: ContainerRecord) -> bool:
    """Return whether the container will be started, by a boot or earlier by its restart policy.

    A boot starts containers with policy always or unless-stopped that have run and were not stopped by the user
    (podman-restart.service starts stopped ones too), and containers with policy on-failure whose run the host ended.
    """
    if record.status not in status.STARTABLE or record.started is None or stays(record):
        return False
    if record.restart_at is not None:
        return True
    policy = record.spec.restart_policy
    if policy.word == ON_FAILURE:
        return record.interrupted
    return policy.persistent
