# SPDX-License-Identifier: GPL-3.0-or-later
"""The states of a container and the table of allowed moves between them.

The words and their meaning are libpod's (``ContainerStatus``): *configured* is only in the database, *created* is
known to the OCI runtime, *stopped* has ended but the runtime still holds it, *exited* is cleaned up.
"""

from __future__ import annotations

CONFIGURED = "configured"
CREATED = "created"
RUNNING = "running"
PAUSED = "paused"
STOPPED = "stopped"
EXITED = "exited"
REMOVING = "removing"
UNKNOWN = "unknown"

#: From each state, the states it may move to; lifecycle/core/facts.py refuses to save another. *removing* is final: only the
#: row's deletion follows. Back to *configured* leads a first start that was undone, or whose process ended before it ran.
MOVES: dict[str, frozenset[str]] = {
    CONFIGURED: frozenset({CREATED, RUNNING, EXITED, REMOVING}),
    CREATED: frozenset({RUNNING, STOPPED, CONFIGURED, EXITED, REMOVING}),
    RUNNING: frozenset({PAUSED, STOPPED, EXITED, UNKNOWN, REMOVING}),
    PAUSED: frozenset({RUNNING, STOPPED, EXITED, UNKNOWN, REMOVING}),
    STOPPED: frozenset({CONFIGURED, CREATED, RUNNING, EXITED, REMOVING}),
    EXITED: frozenset({CREATED, RUNNING, REMOVING}),
    UNKNOWN: frozenset({RUNNING, STOPPED, EXITED, REMOVING}),
    REMOVING: frozenset(),
}

#: The intent of who freezes a container for a moment, with its lock held; its status goes on telling that it runs.
STILL = "still"

#: Seconds that a container without a health check has to run to be ready: most that can't work end at once.
SETTLED = 1.0

#: States in which the container's process lives.
ALIVE = frozenset({RUNNING, PAUSED})
#: States in which the record claims a process or the runtime's knowledge of one, so that facts can contradict it.
CLAIMS = frozenset({CREATED, RUNNING, PAUSED, UNKNOWN})
#: States from which a start is possible (seed: prepareToStart).
STARTABLE = frozenset({CONFIGURED, CREATED, STOPPED, EXITED})


def may_move(before: str, after: str) -> bool:
    """Tell whether the move is in the table; staying is always allowed."""
    return before == after or after in MOVES[before]
