# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the health checks of all containers of this engine in one process, asleep until one is due.

It wakes for a check that is due (on CLOCK_BOOTTIME, which cannot be set), a datagram that names a container, and output or
exit of a check. It exits when no container needs it. Each check reads the container's state again, so a container that
exited, was paused or was changed meanwhile is noticed without a notification.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from types import FrameType

from ...errors import EngineError
from ...kernel import reaper
from ...kernel.files import directory
from ...model.container import status
from ...model.container.health import Health
from ...model.container.healthcheck import HealthCheck
from ...model.container.healthtest import NONE
from ...model.engine.record import ContainerRecord
from ...model.values.names import is_id
from ...plan import health as planning
from ...plan.schedule import Schedule
from ...runtime.healthsocket import EVERYTHING
from ...state import containers
from ..core.engine import Engine
from ..core.facts import observe
from ..core.health_state import check_of, state_of
from . import health
from .check import Running
from .rules_watch import RulesWatch

#: Checks that run at the same time; the others wait, because the host has other work.
_AT_ONCE = 8
#: Key of the reload of the rules among the actions; the other keys are container ids.
_RULES = "rules"
#: Seconds to wait for the runtime of a killed check to exit.
_GONE = 5.0
_MESSAGE = 256
#: The kernel queues at least ten unread datagrams (net.unix.max_dgram_qlen).
_FLOOD = 10
#: A day in milliseconds. More than 24.8 days would overflow the int that poll(2) takes.
_LONGEST_POLL = 86_400_000


class Runner:
    """The checker's event loop; ``run`` returns when there is nothing left to check."""

    def __init__(self, engine: Engine, program: str) -> None:
        self.engine = engine
        self.program = program
        self.home = os.path.realpath(program)
        self.schedule = Schedule()
        self.ready: deque[str] = deque()
        self.running: dict[str, Running] = {}
        self.actions: dict[str, subprocess.Popen[bytes]] = {}
        self.woken, self.waker = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self.rules = RulesWatch(engine, program)

    def run(self) -> bool:
        """Run checks until no container needs them; return True when a newer agent is installed."""
        reaper.adopt()
        signal.set_wakeup_fd(self.waker, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _woken)
        with closing(self.rules), listening(self.engine.layout.health_socket) as self.socket:
            self.look_at_all()
            while self.needed():
                if os.path.realpath(self.program) != self.home and not self.running:
                    return True
                self.round()
        # A sender saves its container before it sends, so what was sent before the socket went is found now.
        self.look_at_all()
        return self.needed()

    def needed(self) -> bool:
        """Return whether anything is scheduled, ready or running."""
        self.actions = {key: action for key, action in self.actions.items() if action.poll() is None}
        waits = self.schedule.wait(0) is not None
        return bool(waits or self.running or self.ready or self.actions)

    def round(self) -> None:
        """Sleep until something happens, and handle all of it."""
        self.sleep()
        heard = self.heard()
        if EVERYTHING in heard:
            self.look_at_all()
        for container_id in filter(is_id, heard):
            self.look_at(container_id)
        self.ready.extend(self.schedule.pop(health.now()))
        self.look_at_rules()
        children = reaper.children()
        for container_id in list(self.running):
            self.attend(container_id)
        self.reap(children)
        while self.ready and len(self.running) < _AT_ONCE:
            self.begin(self.ready.popleft())

    def reap(self, children: set[int]) -> None:
        """Reap the orphans of checks among ``children``, which was listed before the checks were polled.

        A child that neither a check nor an action knows is an orphan. While a check is starting, its command cannot be
        distinguished from an orphan, so all are left for later.
        """
        checks = [one.child.pids for one in self.running.values()]
        known = {action.pid for action in self.actions.values()}
        if None not in checks:
            reaper.reap(children.difference(known, *filter(None, checks)))

    # -- when ----------------------------------------------------------------------------------

    def sleep(self) -> None:
        """Wait for the next deadline, a message, or output of a check."""
        now = health.now()
        spans = [one.deadline - now for one in self.running.values() if not one.late]
        due = self.schedule.wait(now)
        spans += [*self.rules.spans(now), *([] if due is None else [due])]
        poll = select.poll()
        outputs = (one.output for one in self.running.values())
        for fd in (self.socket.fileno(), self.woken, *self.rules.fds, *outputs):
            poll.register(fd, select.POLLIN)
        poll.poll(milliseconds(spans))
        with suppress(BlockingIOError):
            os.read(self.woken, 4096)

    def heard(self) -> set[str]:
        """Return the container ids received; EVERYTHING after so many that some may have been lost."""
        found = set()
        with suppress(BlockingIOError):
            while True:
                found.add(self.socket.recv(_MESSAGE).decode("ascii", "replace"))
        return {EVERYTHING} if len(found) >= _FLOOD else found

    def look_at_all(self) -> None:
        """Schedule the checks of all containers."""
        with self.engine.database.reading() as connection:
            records = containers.all(connection)
        for record in records:
            self.consider(record)

    def look_at_rules(self) -> None:
        """Start a reload of the networks' rules when they have been flushed, one process at a time."""
        action = self.rules.attend(health.now(), busy=_RULES in self.actions)
        if action is not None:
            self.actions[_RULES] = action

    def look_at(self, container_id: str) -> None:
        """Schedule the next check of a container; drop one that is gone from the schedule."""
        record = self.read(container_id)
        if record is None:
            self.schedule.drop(container_id)
        else:
            self.consider(record)

    def consider(self, record: ContainerRecord) -> None:
        """Schedule the container's next check, or drop it; the first check of a run is due at once."""
        if record.id in self.running:  # scheduled when it exits
            return
        self.schedule.drop(record.id)
        if record.status not in status.ALIVE or record.process is None:
            return
        check = check_of(self.engine, record)
        known = state_of(self.engine, record, check)
        if check is None or known is None:
            return
        interval = _interval(check, known)
        if interval:
            since = time.time_ns() - known.log[-1].end if known.log else interval
            # The wall clock may have been set meanwhile: wait one interval at most.
            self.schedule.set(record.id, health.now() + max(0, interval - max(0, since)))

    def read(self, container_id: str) -> ContainerRecord | None:
        """Return a container's record, corrected by the facts, or None if there is none."""
        with self.engine.database.reading() as connection:
            record = containers.get(connection, container_id)
        return observe(self.engine, record) if record else None

    # -- checks --------------------------------------------------------------------------------

    def begin(self, container_id: str) -> None:
        """Start the container's check, unless it no longer needs one."""
        record = self.read(container_id)
        check = check_of(self.engine, record) if record else None
        if record is None or check is None or record.status not in status.ALIVE or record.process is None:
            return
        known = state_of(self.engine, record, check) or Health(record.started or 0)
        if record.status == status.PAUSED or record.intent == status.STILL:
            self.schedule.set(container_id, health.now() + _interval(check, known))
            return
        one = check.startup if check.startup and planning.next_is_startup(check, known) else check
        try:
            self.running[container_id] = Running.start(self.engine, record, check, one.argv, one.timeout)
        except (EngineError, OSError):
            # Usually the container has just exited; its clean-up sends a datagram.
            self.schedule.set(container_id, health.now() + _interval(check, known))

    def attend(self, container_id: str) -> None:
        """Read the check's output, enforce its deadline, and record its result when it has exited."""
        one = self.running[container_id]
        if not one.ended():
            return
        del self.running[container_id]
        try:
            self.finish(one)
        except (EngineError, OSError):  # the container was removed while its check ran
            pass
        finally:
            one.close()
            self.look_at(container_id)

    def finish(self, one: Running) -> None:
        """Record the result of a check, and start the action that it leads to."""
        record = self.read(one.record.id)
        if record is None or record.started != one.record.started or record.status not in status.ALIVE:
            return
        if record.intent == status.STILL:  # a frozen container cannot answer
            return
        action = health.take_note(self.engine, record, one.check, one.result(), age_then=one.age)[1]
        # A stop may take a while, and checks that fail meanwhile ask for the same action.
        if action != NONE and record.id not in self.actions:
            argv = [self.program, "health", "--act", action, record.id]
            self.actions[record.id] = subprocess.Popen(argv, stdin=subprocess.DEVNULL)


def milliseconds(spans: Sequence[int]) -> int | None:
    """Return poll(2)'s timeout in milliseconds for the shortest of these spans (ns); None: no timeout."""
    if not spans:
        return None
    # Round up: a millisecond too many is cheaper than a useless wake-up.
    return min(max(0, min(spans)) // 10**6 + 1, _LONGEST_POLL)


def _woken(_signum: int, _frame: FrameType | None) -> None:
    """Do nothing: only a signal with a handler writes to the wake-up descriptor."""


def _interval(check: HealthCheck, known: Health) -> int:
    startup = check.startup
    return startup.interval if startup and planning.next_is_startup(check, known) else check.interval


@contextmanager
def listening(path: str) -> Iterator[socket.socket]:
    """Yield the socket that receives container ids; remove it afterwards."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as taking:
        taking.setblocking(False)
        with suppress(FileNotFoundError):
            os.unlink(path)  # left by a killed checker
        with directory(os.path.dirname(path)) as run, _private():
            taking.bind(f"/proc/self/fd/{run}/{os.path.basename(path)}")
        try:
            yield taking
        finally:
            with suppress(FileNotFoundError):
                os.unlink(path)


@contextmanager
def _private() -> Iterator[None]:
    """Set a umask that makes new files root's alone: a user namespace's root can traverse the run root."""
    before = os.umask(0o177)
    try:
        yield
    finally:
        os.umask(before)
