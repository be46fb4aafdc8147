# SPDX-License-Identifier: GPL-3.0-or-later
"""The states of a container and the table of allowed transitions.

Names and meaning are libpod's (``ContainerStatus``): *configured* exists only in the database, *created* is known to the
OCI runtime, *stopped* has exited but is still known to the runtime, *exited* has been cleaned up.
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

#: The states to which each state may change; lifecycle/core/facts.py refuses to save any other. *removing* is final: only the
#: deletion of the row follows. A first start that was rolled back, or whose process exited before it ran, leads back to
#: *configured*.
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

#: The intent of a process that briefly freezes a container while it holds the lock; the status remains *running*.
STILL = "still"

#: Seconds that a container without a health check must run to be ready: most that cannot work exit immediately.
SETTLED = 1.0

#: States in which the container's process is alive.
ALIVE = frozenset({RUNNING, PAUSED})
#: States in which the record claims that a process exists, or that the runtime knows one, which observation can contradict.
CLAIMS = frozenset({CREATED, RUNNING, PAUSED, UNKNOWN})
#: States from which a start is possible (seed: prepareToStart).
STARTABLE = frozenset({CONFIGURED, CREATED, STOPPED, EXITED})


def may_move(before: str, after: str) -> bool:
    """Return whether the transition is in the table; staying in a state is always allowed."""
    return before == after or after in MOVES[before]
