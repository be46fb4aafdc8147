# SPDX-License-Identifier: GPL-3.0-or-later
"""Detect that the firewall rules of networks were flushed, and reload them.

The health checker is a long-running process, so it also listens to the kernel's notifications of deleted tables. Where the
kernel sends none, as with legacy iptables, it polls. A separate process reloads the rules, because it may wait for a lock.
"""

from __future__ import annotations

import subprocess
from contextlib import suppress
from typing import Optional

from ...errors import EngineError
from ...kernel.net import nft, nft_events
from ..core.engine import Engine
from . import health

#: Nanoseconds: the delay after a flush, which is usually followed by a load; and the shortest time between two checks.
_SOON, _PAUSE = 200 * 10**6, 2 * 10**9
#: Nanoseconds between two checks where the kernel sends no notifications.
_ROUND = 30 * 10**9


class RulesWatch:
    """The schedule of checks of the rules; ``program`` is the agent."""

    def __init__(self, engine: Engine, program: str) -> None:
        self.engine = engine
        self.program = program
        self.listener = nft_events.listening() if nft.is_there() else None
        self.looked = health.now()
        self.due: Optional[int] = None if self.listener else self.looked + _ROUND

    def close(self) -> None:
        """Stop listening to the kernel."""
        if self.listener:
            self.listener.close()

    @property
    def fds(self) -> tuple[int, ...]:
        """Return the descriptors to poll."""
        return (self.listener.fileno(),) if self.listener else ()

    def spans(self, now: int) -> list[int]:
        """Return the time until the next check, in nanoseconds, or nothing when none is due."""
        return [] if self.due is None else [max(0, self.due - now)]

    def attend(self, now: int, *, busy: bool) -> Optional[subprocess.Popen[bytes]]:
        """Check the rules if that is due; return the process that reloads missing ones, if any.

        ``busy``: the last such process is still running, so the check is postponed.
        """
        if self.listener and nft_events.deleted(self.listener) and self.due is None:
            self.due = max(now + _SOON, self.looked + _PAUSE)
        if self.due is None or now < self.due:
            return None
        if busy:
            self.due = now + _SOON
            return None
        self.looked, self.due = now, None if self.listener else now + _ROUND
        if not self.is_missing():
            return None
        argv = [self.program, "network", "reload"]
        return subprocess.Popen(argv, stdin=subprocess.DEVNULL)

    def is_missing(self) -> bool:
        """Return whether a network has its bridge but not its rules; False when that cannot be determined."""
        from ..wiring import rules

        with suppress(EngineError, OSError):
            return rules.is_missing(self.engine)
        return False
