# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the health checks of all containers of this engine: one process, asleep until one is due.

It wakes for three things: a check that is due (on the clock since boot, which nobody sets), a datagram that names a
container, and a check that ended. When no container needs it, it goes. What a check needs is read anew each time, so
that a container which ended, was paused or was changed meanwhile is noticed without anybody telling.
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

#: Checks at once: the rest waits, for a host has other work.
_AT_ONCE = 8
#: Beside the actions of containers, by id: that of the rules.
_RULES = "rules"
#: Seconds for the runtime of a killed check to be gone.
_GONE = 5.0
_MESSAGE = 256
#: The kernel keeps at least ten datagrams unread (net.unix.max_dgram_qlen).
_FLOOD = 10
#: Milliseconds: a day. More than 24.8 of them would overflow the int that poll(2) takes.
_LONGEST_POLL = 86_400_000


class Runner:
    """One round after another; ``run`` returns when nothing is left to check."""

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
        """Check until nothing needs it; True when a newer agent is to go on in our place."""
        reaper.adopt()
        signal.set_wakeup_fd(self.waker, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _woken)
        with closing(self.rules), listening(self.engine.layout.health_socket) as self.socket:
            self.look_at_all()
            while self.needed():
                if os.path.realpath(self.program) != self.home and not self.running:
                    return True
                self.round()
        # Whoever sent something before the socket went has saved what it needs, so it is found now.
        self.look_at_all()
        return self.needed()

    def needed(self) -> bool:
        """Tell whether anything is due, runs or waits."""
        self.actions = {key: action for key, action in self.actions.items() if action.poll() is None}
        waits = self.schedule.wait(0) is not None
        return bool(waits or self.running or self.ready or self.actions)

    def round(self) -> None:
        """Sleep until something happens, and see to all that has."""
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
        """Wait for what checks have left to us; ``children`` were listed before the checks were looked at, so theirs are known.

        While a check is being started its command cannot be told from what another has left, so all are left for later.
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
        """Return the containers that somebody named; after a flood of names, of which some were lost, all."""
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
        """Have the rules of networks written anew when somebody has flushed them, by one process at a time."""
        action = self.rules.attend(health.now(), busy=_RULES in self.actions)
        if action is not None:
            self.actions[_RULES] = action

    def look_at(self, container_id: str) -> None:
        """Schedule the checks of one container, or drop one that is gone."""
        record = self.read(container_id)
        if record is None:
            self.schedule.drop(container_id)
        else:
            self.consider(record)

    def consider(self, record: ContainerRecord) -> None:
        """Have the container's next check be due when it should be; at once when it has had none in this run."""
        if record.id in self.running:  # its end decides
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
            # The wall clock may have been set meanwhile: never longer than one interval.
            self.schedule.set(record.id, health.now() + max(0, interval - max(0, since)))

    def read(self, container_id: str) -> ContainerRecord | None:
        """Return the record of a container, corrected by the facts; None where there is none."""
        with self.engine.database.reading() as connection:
            record = containers.get(connection, container_id)
        return observe(self.engine, record) if record else None

    # -- checks --------------------------------------------------------------------------------

    def begin(self, container_id: str) -> None:
        """Start the container's check, if it still is to be checked."""
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
            # It ended just now, as a rule, and is to be looked at by whoever cleans up.
            self.schedule.set(container_id, health.now() + _interval(check, known))

    def attend(self, container_id: str) -> None:
        """Read what the check says, end it when its time is over, and take note of its end."""
        one = self.running[container_id]
        if not one.ended():
            return
        del self.running[container_id]
        try:
            self.finish(one)
        except (EngineError, OSError):  # the container went while its check ran
            pass
        finally:
            one.close()
            self.look_at(container_id)

    def finish(self, one: Running) -> None:
        """Record the result of a check, and act on it as the container asks."""
        record = self.read(one.record.id)
        if record is None or record.started != one.record.started or record.status not in status.ALIVE:
            return
        if record.intent == status.STILL:  # what stands still can't answer
            return
        action = health.take_note(self.engine, record, one.check, one.result(), age_then=one.age)[1]
        # A stop may take its time, in which more checks fail: they ask for what is being done.
        if action != NONE and record.id not in self.actions:
            argv = [self.program, "health", "--act", action, record.id]
            self.actions[record.id] = subprocess.Popen(argv, stdin=subprocess.DEVNULL)


def milliseconds(spans: Sequence[int]) -> int | None:
    """Return how long poll(2) is to wait for the end of the shortest of these spans (ns); None: without end."""
    if not spans:
        return None
    # A millisecond more than is needed rather than one round too many.
    return min(max(0, min(spans)) // 10**6 + 1, _LONGEST_POLL)


def _woken(_signum: int, _frame: FrameType | None) -> None:
    """Have the wake-up descriptor written to, which a signal without a handler does not."""


def _interval(check: HealthCheck, known: Health) -> int:
    startup = check.startup
    return startup.interval if startup and planning.next_is_startup(check, known) else check.interval


@contextmanager
def listening(path: str) -> Iterator[socket.socket]:
    """Give the socket on which containers are named; it goes at the end."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as taking:
        taking.setblocking(False)
        with suppress(FileNotFoundError):
            os.unlink(path)  # of one that was killed
        with directory(os.path.dirname(path)) as run, _private():
            taking.bind(f"/proc/self/fd/{run}/{os.path.basename(path)}")
        try:
            yield taking
        finally:
            with suppress(FileNotFoundError):
                os.unlink(path)


@contextmanager
def _private() -> Iterator[None]:
    """Let what is made be root's alone, whatever umask we have: a user namespace's root passes through the run root."""
    before = os.umask(0o177)
    try:
        yield
    finally:
        os.umask(before)
