# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a command that runs in a container."""

from __future__ import annotations

from typing import NamedTuple, Optional

from .record import ProcessId


class ExecSession(NamedTuple):
    """A command that runs, or ran, in a container: a row of table ``exec_sessions``.

    The environment may contain secrets, so it is not stored. ``monitor`` is conmon if the command is detached, otherwise the
    process that waits for it. ``exit_code`` None: the command has not exited, or its exit status is unknown. Times are
    nanoseconds since the epoch.
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
