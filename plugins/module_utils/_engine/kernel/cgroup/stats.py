# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a cgroup's resource usage, on v1, v2 and hybrid hosts; source: the kernel's documentation of both."""

from __future__ import annotations

from typing import NamedTuple, Optional

from . import cgroups
from .membership import read

#: A memory limit from this value on is unlimited: v1 represents that by the greatest number of whole pages.
_NO_LIMIT = 1 << 60
_DIRECTIONS = {"rbytes": "read", "wbytes": "written", "Read": "read", "Write": "written"}


class Usage(NamedTuple):
    """Resource usage; None for what the host does not count. ``memory`` excludes the inactive page cache."""

    cpu: Optional[int]  # nanoseconds
    memory: Optional[int]
    memory_limit: Optional[int]
    processes: Optional[int]
    read: Optional[int]
    written: Optional[int]


def usage(path: str) -> Usage:
    """Return the usage of the cgroup, with all below; the path is relative to the root of each hierarchy."""
    places = {"": ""}
    for entry in cgroups.hierarchies():
        words = ("",) if entry.fstype == "cgroup2" else entry.super_options.split(",")
        places.update(dict.fromkeys(words, entry.target + path))
    v2 = places.pop("")

    def text(controller: str, *names: str) -> str:
        # A controller used by v1 is not available on v2.
        return read(places.get(controller, v2), *names)

    read_bytes, written = _io(text("blkio", "io.stat", "blkio.throttle.io_service_bytes"))
    limit = _number(text("memory", "memory.max", "memory.limit_in_bytes"))
    return Usage(
        cpu=_cpu(text("cpuacct", "cpuacct.usage", "cpu.stat")),
        memory=_memory(
            _number(text("memory", "memory.current", "memory.usage_in_bytes")), text("memory", "memory.stat")
        ),
        memory_limit=None if limit is None or limit >= _NO_LIMIT else limit,
        processes=_number(text("pids", "pids.current")),
        read=read_bytes,
        written=written,
    )


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None


def _cpu(text: str) -> int | None:
    number = _number(text)
    if number is not None:  # v1
        return number
    used = _counters(text).get("usage_usec")
    return None if used is None else used * 1000


def _memory(whole: int | None, counters: str) -> int | None:
    if whole is None:
        return None
    known = _counters(counters)
    return max(0, whole - known.get("total_inactive_file", known.get("inactive_file", 0)))


def _counters(text: str) -> dict[str, int]:
    pairs = (line.split() for line in text.splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}


def _io(text: str) -> tuple[int | None, int | None]:
    """Sum the bytes read and written: ``8:0 rbytes=1 wbytes=2 …`` on v2, ``8:0 Read 1`` on v1."""
    if not text:
        return None, None
    sums = {"read": 0, "written": 0}
    for line in text.splitlines():
        words = line.replace("=", " ").split()[1:]
        for name, number in zip(words[::2], words[1::2]):
            key = _DIRECTIONS.get(name)
            if key and number.isdigit():
                sums[key] += int(number)
    return sums["read"], sums["written"]
