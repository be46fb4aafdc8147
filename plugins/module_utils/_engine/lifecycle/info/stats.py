# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers' use of the host's processors, memory, disks and networks (podman-stats(1))."""

from __future__ import annotations

import time
from typing import NamedTuple, Optional

from ...kernel.cgroup.stats import Usage, usage
from ...kernel.net import counters
from ...kernel.process import Process
from ...model.engine.record import ContainerRecord

_NOTHING = Usage(None, None, None, None, None, None)


class Sample(NamedTuple):
    """A container's resource use up to the time ``at`` (ns since the epoch).

    ``limit`` is its memory limit, the host's memory without one. ``traffic`` is the number of bytes received and sent on its
    networks, None when it has no network of its own.
    """

    id: str
    name: str
    at: int
    started: Optional[int]
    usage: Usage
    limit: Optional[int]
    traffic: Optional[tuple[int, int]]

    def cpu_share(self, before: Optional[Sample] = None) -> float | None:
        """Return the share of one processor since ``before``, or since the start; None when it is unknown."""
        since = before.at if before else self.started
        used = before.usage.cpu if before else 0
        if self.usage.cpu is None or used is None or since is None or self.at <= since:
            return None
        return max(0, self.usage.cpu - used) / (self.at - since)

    @property
    def memory_share(self) -> float | None:
        """Return the used share of the memory limit; None when either is unknown."""
        return None if self.usage.memory is None or not self.limit else self.usage.memory / self.limit


def sample(record: ContainerRecord) -> Sample:
    """Return the container's use up to now; without a cgroup of its own it is unknown."""
    path = record.cgroup
    used = usage(path) if path else _NOTHING
    limit = used.memory_limit or (None if used.memory is None else _memory_of_host())
    return Sample(record.id, record.name, time.time_ns(), record.started, used, limit, _traffic(record))


def _traffic(record: ContainerRecord) -> tuple[int, int] | None:
    if not record.endpoints or record.process is None:
        return None
    found = counters.received_and_sent(record.process.pid)
    return found if Process(*record.process).alive() else None  # otherwise the pid may be reused


def _memory_of_host() -> int | None:
    with open("/proc/meminfo", encoding="ascii") as stream:
        for line in stream:
            words = line.split()
            if words[0] == "MemTotal:":
                return int(words[1]) * 1024
    return None
