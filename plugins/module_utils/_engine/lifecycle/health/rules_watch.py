# SPDX-License-Identifier: GPL-3.0-or-later
"""Notice that somebody has flushed the rules of networks, and have them written anew.

The process that checks health is there anyway, so it hears the kernel tell of deleted tables. Where the kernel tells nobody, as
with iptables of the legacy kind, it looks now and then. The work is another process's: it may wait for a lock.
"""

from __future__ import annotations

import subprocess
from contextlib import suppress
from typing import Optional

from ...errors import EngineError
from ...kernel.net import nft, nft_events
from ..core.engine import Engine
from . import health

#: Nanoseconds: whoever flushes the ruleset is about to load another one; after one look the next comes not before.
_SOON, _PAUSE = 200 * 10**6, 2 * 10**9
#: How often to look where nobody tells.
_ROUND = 30 * 10**9


class RulesWatch:
    """When to look at the rules; ``program`` is the agent."""

    def __init__(self, engine: Engine, program: str) -> None:
        self.engine = engine
        self.program = program
        self.listener = nft_events.listening() if nft.is_there() else None
        self.looked = health.now()
        self.due: Optional[int] = None if self.listener else self.looked + _ROUND

    def close(self) -> None:
        """Hear no more."""
        if self.listener:
            self.listener.close()

    @property
    def fds(self) -> tuple[int, ...]:
        """Return the descriptors to wait for."""
        return (self.listener.fileno(),) if self.listener else ()

    def spans(self, now: int) -> list[int]:
        """Return how long to wait for the next look at most, in nanoseconds."""
        return [] if self.due is None else [max(0, self.due - now)]

    def attend(self, now: int, *, busy: bool) -> Optional[subprocess.Popen[bytes]]:
        """Look if it is time, and return the process that loads rules which are missing; ``busy``: the last one still does."""
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
        """Tell whether a network has its bridge and the rules are not there; what can't be found out is not missing."""
        from ..wiring import rules

        with suppress(EngineError, OSError):
            return rules.is_missing(self.engine)
        return False
