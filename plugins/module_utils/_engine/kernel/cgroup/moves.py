# SPDX-License-Identifier: GPL-3.0-or-later
"""Move processes between cgroups; source: cgroups(7), cpuset(7)."""

from __future__ import annotations

import errno
import os
import time
from contextlib import suppress

from ..mountinfo import MountEntry
from .cgroups import hierarchies, processes_of

#: The most attempts to remove a cgroup that still has processes, and the seconds between.
_TRIES, _PAUSE = 20, 0.01


def enter(path: str, pid: int) -> None:
    """Create the cgroup and move the process into it, in every hierarchy where it is not in the root.

    A process in the root of a hierarchy stays there: nothing kills the root's processes, and the first move
    after a while costs the kernel some 10 ms. Does nothing if the process has exited. Raises OSError if the
    hierarchy can't be written.
    """
    places = _places(pid)
    for entry in hierarchies():
        place = next((where for words, where in places.items() if _is(entry, words)), None)
        if place is not None and place not in ("/", entry.root, path):
            directory = entry.target + path
            os.makedirs(directory, mode=0o755, exist_ok=True)
            _fill_cpuset(directory)
            _put(directory, pid)


def dissolve(path: str) -> None:
    """Remove the cgroup, which must have none below; move its processes to the root of the hierarchy.

    If the kernel denies that to a process, the cgroup remains.
    """
    for entry in hierarchies():
        place = entry.target + path
        for _ignored in range(_TRIES if os.path.isdir(place) else 0):
            with suppress(OSError):
                for pid in processes_of(place):
                    _put(entry.target, pid)
            if _removed(place):
                break
            time.sleep(_PAUSE)


def _places(pid: int) -> dict[str, str]:
    """Return the process's cgroup path by the hierarchy's controllers; ``""`` is version 2."""
    try:
        with open(f"/proc/{pid}/cgroup", encoding="utf-8", errors="surrogateescape") as stream:
            lines = [line.rstrip("\n").split(":", 2) for line in stream]
    except (FileNotFoundError, ProcessLookupError):
        return {}
    return {words: path for _number, words, path in lines}


def _is(entry: MountEntry, words: str) -> bool:
    """Return whether the mount is the hierarchy of these controllers: ``cpu,cpuacct``, ``name=systemd``."""
    if entry.fstype == "cgroup2":
        return not words
    return bool(words) and {*words.split(",")} <= {*entry.super_options.split(",")}


def _fill_cpuset(directory: str) -> None:
    """Copy the parent's cpuset to a new v1 cgroup, which accepts no processes before that."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        file = f"{directory}/{name}"
        if not os.path.exists(file) or os.path.exists(f"{directory}/cgroup.subtree_control"):
            continue
        with open(file, encoding="ascii") as stream:
            if stream.read().strip():
                continue
        _fill_cpuset(os.path.dirname(directory))
        with open(f"{os.path.dirname(directory)}/{name}", encoding="ascii") as above:
            text = above.read()
        with open(file, "w", encoding="ascii") as stream:
            stream.write(text)


def _put(directory: str, pid: int) -> None:
    with suppress(ProcessLookupError), open(f"{directory}/cgroup.procs", "wb", buffering=0) as stream:
        stream.write(b"%d" % pid)


def _removed(place: str) -> bool:
    try:
        os.rmdir(place)
    except FileNotFoundError:
        return True
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        return False
    return True
