# SPDX-License-Identifier: GPL-3.0-or-later
"""Find, empty and remove a container's cgroup in every hierarchy: v1, hybrid and v2 (cgroups(7))."""

from __future__ import annotations

import errno
import os
import signal
import time
from contextlib import suppress

from . import mountinfo

_TRIES = 200
_PAUSE = 0.01


def hierarchies() -> tuple[tuple[str, str], ...]:
    """Return (file system type, mount point) of every cgroup hierarchy."""
    return tuple((entry.fstype, entry.target) for entry in mountinfo.read() if entry.fstype in ("cgroup", "cgroup2"))


def version() -> str:
    """Return ``v1``, ``hybrid`` (v1 with an empty v2 beside it) or ``v2``."""
    kinds = {kind for kind, _target in hierarchies()}
    if kinds == {"cgroup2"}:
        return "v2"
    return "hybrid" if "cgroup2" in kinds else "v1"


def _directories(path: str) -> list[str]:
    """Return the directories of the cgroup ``/slipway/ID`` that exist."""
    found = (f"{target}/{path.strip('/')}" for _kind, target in hierarchies())
    return [directory for directory in found if os.path.isdir(directory)]


def exists(path: str) -> bool:
    """Tell whether any hierarchy has the cgroup."""
    return bool(_directories(path))


def processes(path: str) -> tuple[int, ...]:
    """Return the pids in the cgroup and below it."""
    return tuple(sorted({pid for directory in _directories(path) for pid in _pids(directory)}))


def _pids(top: str) -> list[int]:
    found: list[int] = []
    for directory, _names, _files in os.walk(top):
        with suppress(FileNotFoundError, OSError), open(f"{directory}/cgroup.procs", encoding="ascii") as stream:
            found += [int(line) for line in stream]
    return found


def kill_all(path: str) -> None:
    """Kill every process of the cgroup and wait, for a bounded time, until it is empty."""
    for _try in range(_TRIES):
        pids = processes(path)
        if not pids:
            return
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_PAUSE)


def remove(path: str) -> None:
    """Remove the cgroup with those below it from every hierarchy; what is gone already is fine."""
    for top in _directories(path):
        for directory, _names, _files in os.walk(top, topdown=False):
            _rmdir(directory)


def _rmdir(directory: str) -> None:
    for _try in range(_TRIES):
        try:
            os.rmdir(directory)
            return
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
        time.sleep(_PAUSE)


def oom_kills(path: str) -> int | None:
    """Return how often the kernel has killed for memory in the cgroup, None where it does not tell."""
    for directory in _directories(path):
        for name in ("memory.events", "memory.oom_control"):
            with suppress(FileNotFoundError), open(f"{directory}/{name}", encoding="ascii") as stream:
                counts = dict(line.split() for line in stream)
                return int(counts["oom_kill"])
    return None
