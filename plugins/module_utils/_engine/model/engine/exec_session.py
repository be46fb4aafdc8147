# SPDX-License-Identifier: GPL-3.0-or-later
"""A command that runs in a container, as the database keeps it."""

from __future__ import annotations

from typing import NamedTuple, Optional

from .record import ProcessId


class ExecSession(NamedTuple):
    """A command that runs, or ran, in a container: a row of table ``exec_sessions``.

    ``argv`` and ``user`` say what it is; the environment may hold secrets, so it is not kept. ``monitor`` is conmon when
    it runs detached, else the process that waits for it. ``exit_code`` None: it has not ended, or nobody saw how.
    Times are nanoseconds since the epoch.
    """

    id: str
    container_id: str
    argv: tuple[str, ...]
    user: Optional[str]
    detached: bool
    created: int
    process: Optional[ProcessId] = None
    monitor: Optional[ProcessId] = None
    finished: Optional[int] = None
    exit_code: Optional[int] = None
