# SPDX-License-Identifier: GPL-3.0-or-later
"""Orphaned restarts: those whose waiting process was killed."""

from __future__ import annotations

import os
import time

from ...kernel.command import SEARCH_PATH
from ...state import containers
from ..core.engine import Engine
from ..core.waiter import is_listened_to

#: How late a waiting process may be before its restart counts as orphaned, in nanoseconds.
_GRACE = 2_000_000_000
_ENVIRONMENT = {"PATH": SEARCH_PATH}
_SILENT = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1, 2)]


def orphaned(engine: Engine) -> tuple[str, ...]:
    """Return the ids of containers whose restart is overdue and has no waiting process."""
    with engine.database.reading() as connection:
        ids = containers.due(connection, time.time_ns() - _GRACE)
    return tuple(one for one in ids if not is_listened_to(engine.layout.container(one)))


def revive(engine: Engine) -> None:
    """Start the agent for each orphaned restart; do not wait for it."""
    program = engine.layout.agent_program
    for container_id in orphaned(engine):
        # It outlives this task, in a session of its own.
        os.posix_spawn(
            program, [program, "cleanup", container_id], _ENVIRONMENT, file_actions=_SILENT, setsid=True
        )
