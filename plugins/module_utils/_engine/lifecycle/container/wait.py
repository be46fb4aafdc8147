# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait for a condition of a container, without polling and without a lock.

Three events wake the waiting process: the exit of the container's process (pidfd), its exit file, and a change of the
database by any process (both by inotify). Seed: Wait, waitForExitFileAndSync.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import NamedTuple, Optional

from ...errors import EngineError
from ...kernel.inotify import Watch
from ...kernel.process import Process
from ...model.container import status
from ...model.engine.record import ContainerRecord, ProcessId
from ...plan.settle import Facts, settle
from ...state import containers, events
from ..core.engine import Engine
from ..core.facts import EXIT_FILE_PATIENCE, gather
from ..core.health_state import check_of, state_of

#: The value of a condition that needs no check before the next event.
UNTIL_TOLD = math.inf
#: The value of a condition that is met.
MET = 0.0


class WaitTimeout(EngineError):
    """The condition was not met in time."""

    code = "wait_timeout"


class Look(NamedTuple):
    """A container at one moment.

    ``record`` is corrected by the facts, None if the container is gone. ``ended``: it has no process, and its exit status
    is known or never will be. ``health`` is starting, healthy or unhealthy, None without a check.
    """

    record: Optional[ContainerRecord]
    ended: bool
    health: Optional[str]


#: Maps a look to the seconds until the next one; MET ends the wait.
Condition = Callable[[Look], float]


def wait(engine: Engine, container_id: str, condition: Condition, *, timeout: float, what: str) -> Look:
    """Wait until the condition is met, and return the look that met it.

    ``timeout`` is in seconds and may be inf; ``what`` completes "container web did not ...". Raises WaitTimeout, HostLacks.
    """
    deadline = time.monotonic() + timeout
    with Watch() as watch:
        for directory in (engine.layout.root, engine.layout.exits):
            watch.add(directory)
        looking = _Looking(engine, container_id)
        while True:
            look = looking.look()
            pause = condition(look)
            left = deadline - time.monotonic()
            if pause <= MET:
                return look
            if left <= 0:
                raise _too_late(look, container_id, timeout, what)
            looking.sleep(watch, min(left, pause))


class _Looking:
    """Looks at a container, and remembers since when its process has been gone without an exit file."""

    def __init__(self, engine: Engine, container_id: str) -> None:
        self.engine = engine
        self.id = container_id
        self.watched: tuple[ProcessId, ...] = ()
        self.ending: Optional[float] = None

    def look(self) -> Look:
        with self.engine.database.reading() as connection:
            record = containers.get(connection, self.id)
        if record is None:
            return Look(None, True, None)
        facts = gather(self.engine, record, patience=0.0) if record.status in status.CLAIMS else None
        self.watched = tuple(each for each in (facts.process or facts.monitor,) if each) if facts else ()
        settled = settle(record, facts) if facts else record
        ended = self._ended(facts) if facts else record.status in (status.STOPPED, status.EXITED)
        return Look(settled, ended, _health(self.engine, settled))

    def _ended(self, facts: Facts) -> bool:
        """Return whether it has exited. A living conmon gets a while to write the exit file."""
        if facts.process is not None:
            self.ending = None
            return False
        self.ending = self.ending or time.monotonic()
        late = time.monotonic() - self.ending > EXIT_FILE_PATIENCE
        return facts.exited or facts.monitor is None or late

    def sleep(self, watch: Watch, seconds: float) -> None:
        with ExitStack() as held:
            fds = [held.enter_context(Process(*each).watched()) for each in self.watched]
            if self.watched and None in fds:
                # It exited just now: look again at once. Or the kernel has no pidfd: the agent's save wakes us.
                seconds = min(seconds, EXIT_FILE_PATIENCE if Process(*self.watched[0]).alive() else 0.0)
            elif self.ending is not None:
                seconds = min(seconds, EXIT_FILE_PATIENCE)
            watch.wait(seconds, *(fd for fd in fds if fd is not None))


def _health(engine: Engine, record: ContainerRecord) -> Optional[str]:
    """Return the health of a living container; None if no check runs periodically."""
    check = check_of(engine, record) if record.status in status.ALIVE else None
    health = state_of(engine, record, check)
    return health.status if health and check and (check.interval or check.startup) else None


def _too_late(look: Look, container_id: str, timeout: float, what: str) -> WaitTimeout:
    name = look.record.name if look.record else container_id[:12]
    now = look.record.status if look.record else "gone"
    return WaitTimeout(
        f"container {name} did not {what} within {timeout:g} s: it is {now}"
        + (f", {look.health}" if look.health else ""),
        name=name,
        status=now,
        health=look.health,
        timeout=timeout,
    )


# -- conditions ------------------------------------------------------------------------------------


def when(words: tuple[str, ...]) -> Condition:
    """Return the condition that one of the words holds: a state, ``healthy``, ``unhealthy`` or ``removed``.

    ``stopped`` and ``exited`` mean the same: a run has exited before or since the first look. A container that was never
    started has not exited. Source: podman-wait(1).
    """
    first: list[Look] = []

    def condition(look: Look) -> float:
        first.append(look)
        del first[1:]
        return MET if any(_is(word, look, first[0]) for word in words) else UNTIL_TOLD

    return condition


#: The words that ``when`` takes, and ``slipway wait --condition``.
WORDS = (
    "configured",
    "created",
    "exited",
    "healthy",
    "initialized",
    "paused",
    "removed",
    "running",
    "stopped",
    "unhealthy",
)


def _is(word: str, look: Look, first: Look) -> bool:
    record = look.record
    if record is None:
        return word in ("removed", "exited", "stopped")
    if word in ("exited", "stopped"):
        return (look.ended and record.started is not None) or _ran_again(record, first.record)
    if word in ("healthy", "unhealthy"):
        return look.health == word
    same = {"created": status.CONFIGURED, "initialized": status.CREATED}
    return record.status == same.get(word, word)


def _ran_again(now: ContainerRecord, then: ContainerRecord | None) -> bool:
    """Return whether the run of the first look is over and another has started since."""
    return then is not None and then.status in status.ALIVE and then.started != now.started


def exit_code(engine: Engine, container_id: str, look: Look, *, since: int) -> int | None:
    """Return the exit code of the run; read it from the event if the container is gone or runs again."""
    if look.record is not None and look.ended:
        return look.record.exit_code
    with engine.database.reading() as connection:
        told = events.read(connection, since=since)
    codes = [
        event.attributes.get("exit_code", "")
        for event in told
        if event.id == container_id and event.action == "died"
    ]
    return int(codes[0]) if codes and codes[0].isdigit() else None
