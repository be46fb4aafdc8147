# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the restarts that nobody sees to, since the process that waited for them was killed."""

from __future__ import annotations

import os
import time

from ...kernel.command import SEARCH_PATH
from ...state import containers
from ..core.engine import Engine
from ..core.waiter import is_listened_to

#: Whoever waits has this long after the time to be at it, in nanoseconds.
_GRACE = 2_000_000_000
_ENVIRONMENT = {"PATH": SEARCH_PATH}
_SILENT = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1, 2)]


def orphaned(engine: Engine) -> tuple[str, ...]:
    """Return the ids of the containers whose restart is overdue while nobody is at it: the one who waited was killed."""
    with engine.database.reading() as connection:
        ids = containers.due(connection, time.time_ns() - _GRACE)
    return tuple(one for one in ids if not is_listened_to(engine.layout.container(one)))


def revive(engine: Engine) -> None:
    """Let the agent see to the restarts that were forgotten; it works on by itself."""
    program = engine.layout.agent_program
    for container_id in orphaned(engine):
        # Nobody waits for it: it outlives this task, in a session of its own.
        os.posix_spawn(
            program, [program, "cleanup", container_id], _ENVIRONMENT, file_actions=_SILENT, setsid=True
        )
