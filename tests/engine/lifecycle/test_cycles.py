# SPDX-License-Identifier: GPL-3.0-or-later
"""Many lives of a container in one process: nothing leaks, and the last takes as long as the first.

``SLIPWAY_CYCLES=1000`` (``make cycles``) runs all of them; by default there are fewer, so that the suite stays short.
"""

from __future__ import annotations

import os
import resource
import statistics
import time
from typing import NamedTuple

from enginehost import eventually

CYCLES = int(os.environ.get("SLIPWAY_CYCLES", "150"))
#: The first lives fill caches (imports, the page cache, SQLite's); they are not measured.
WARM_UP = 10
#: How many lives make the first and the last part that are compared.
PART = max(20, min(100, CYCLES // 4))
#: How much more the last part may cost. All 1,000 have to keep the promise; fewer say less.
SLOWER = 1.1 if CYCLES >= 1000 else 1.6  # a short run on a busy machine tells of gross growth only


def open_files() -> int:
    """Return how many descriptors this process has."""
    return len(os.listdir("/proc/self/fd"))


def live(host) -> None:
    """Create, start, stop and remove a container that has a volume."""
    host.want("created", "sleep", "1000", volume=["/anonymous"])
    host.bring("box", "started")
    host.bring("box", "stopped", stop_time=0)
    host.bring("box", "absent", delete_volumes=True)


class Cost(NamedTuple):
    """What one life takes: seconds of the clock, and of a processor, in this process and the programs it waits for."""

    clock: float
    processor: float


def cost(host) -> Cost:
    """Measure one life."""
    begin = time.perf_counter(), processor()
    live(host)
    return Cost(time.perf_counter() - begin[0], processor() - begin[1])


def processor() -> float:
    """Return the seconds of a processor that this process and its ended children have had."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def ratio(values: list[float]) -> float:
    """Return the last part's over the first's, by the median of the quicker half: others use the machine too."""
    first, last = (statistics.median(sorted(part)[: PART // 2]) for part in (values[:PART], values[-PART:]))
    return last / first


def test_many_lives(host, capsys):
    """No file, mount, process, cgroup or row is left after many lives, and the last cost what the first did."""
    for _life in range(WARM_UP):
        live(host)
    eventually(lambda: host.processes() == [], "the agents have gone")
    before, files = host.leftovers(), open_files()
    taken = [cost(host) for _life in range(CYCLES)]
    eventually(lambda: host.processes() == [], "the agents have gone", timeout=60)
    assert host.leftovers() == before
    assert open_files() == files
    clock, used = [one.clock for one in taken], [one.processor for one in taken]
    with capsys.disabled():
        print(  # noqa: T201
            f"\n{host.runtime}: {CYCLES} lives in {sum(clock):.0f} s; the last {PART} over the first: "
            f"clock {ratio(clock):.3f}, processor {ratio(used):.3f}"
        )
    # A busy neighbour makes the clock run on, not the processor's time: that is what can be promised of the engine.
    assert ratio(used) <= SLOWER
