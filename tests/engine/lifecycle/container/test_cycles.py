# SPDX-License-Identifier: GPL-3.0-or-later
"""Many lives of a container, and many commands in one, by one process: no leaks, and no growing cost.

``SLIPWAY_CYCLES=1000 SLIPWAY_EXECS=10000`` (``make cycles``) runs all; by default there are fewer, so that the suite is short.
"""

from __future__ import annotations

import os
import resource
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

from _engine.lifecycle.exec.exec import execute
from _engine.model.container.execution import ExecSpec
from _engine.model.engine.record import Event
from _engine.state import events
from enginehost import eventually

CYCLES = int(os.environ.get("SLIPWAY_CYCLES", "60"))
EXECS = int(os.environ.get("SLIPWAY_EXECS", "80"))
#: The first rounds fill caches (imports, the page cache, SQLite's), and are not measured.
WARM_UP = 10
#: How much more the last part may cost. A thousand have to keep the promise; fewer, on a busy machine, tell of gross growth only.
SLOWER, GROSSLY = 1.1, 1.6


def open_files() -> int:
    """Return the number of this process's file descriptors."""
    return len(os.listdir("/proc/self/fd"))


def live(host) -> None:
    """Create, start, stop and remove a container that has a volume."""
    host.want("created", "sleep", "1000", volume=["/anonymous"])
    host.bring("box", "started")
    host.bring("box", "stopped", stop_time=0)
    host.bring("box", "absent", delete_volumes=True)


class Cost(NamedTuple):
    """The cost of one life: wall-clock and CPU seconds of this process and the programs that it waits for."""

    clock: float
    processor: float


def cost(act: Callable[[], object]) -> Cost:
    """Measure one round."""
    begin = time.perf_counter(), processor()
    act()
    return Cost(time.perf_counter() - begin[0], processor() - begin[1])


def processor() -> float:
    """Return the CPU seconds that this process and its waited-for children have used."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def ratio(values: list[float]) -> float:
    """Return the last tenth's cost over the first's, by the median of the faster half."""
    part = max(20, min(100, len(values) // 4))
    first, last = (statistics.median(sorted(some)[: part // 2]) for some in (values[:part], values[-part:]))
    return last / first


def go_on(host, times: int, act: Callable[[], object]) -> str:
    """Repeat it and fail if something is left, or costs more and more. Return the figures as text."""
    before = seen(host)
    for _round in range(WARM_UP):
        act()
    files = open_files()
    taken = [cost(act) for _round in range(times)]
    eventually(lambda: seen(host) == before, "as before", timeout=60)
    assert open_files() == files
    clock, used = (ratio([getattr(one, field) for one in taken]) for field in Cost._fields)
    # A busy neighbour affects the wall clock, not the CPU time, which is what the engine can promise.
    assert used <= (SLOWER if times >= 1000 else GROSSLY)
    whole = sum(one.clock for one in taken)
    return f"{times} in {whole:.0f} s; the last over the first: clock {clock:.3f}, processor {used:.3f}"


def seen(host) -> list[str]:
    """Return what exists; an agent may still be at work."""
    return [*host.leftovers(), *(f"exec {session}" for session in host.inspect().get("ExecIDs", ()))]


def fill_events(host) -> None:
    """Fill the table of events to its maximum: a database that still grows costs a little more each time."""
    event = Event(time.time_ns(), "container", "start", "0" * 64, "other")
    with host.open() as engine, engine.database.transaction() as connection:
        for _number in range(events.KEPT):
            events.add(connection, event)


def test_many_lives(host, capsys):
    """After many lives no file, mount, process, cgroup or row is left, and the cost is constant."""
    figures = go_on(host, CYCLES, lambda: live(host))
    with capsys.disabled():
        print(f"\n{host.runtime}: lives: {figures}")  # noqa: T201


def test_many_commands(host, capsys):
    """After many commands in one container no file, process, cgroup or row is left; the cost is constant."""
    host.start("sleep", "100000", stop_timeout=0)
    spec = ExecSpec.parse({"argv": ["true"]})

    def run() -> None:
        with host.open() as engine:
            execute(engine, "box", spec)

    run()
    fill_events(host)
    figures = go_on(host, EXECS, run)
    with capsys.disabled():
        print(f"\n{host.runtime}: commands: {figures}")  # noqa: T201
