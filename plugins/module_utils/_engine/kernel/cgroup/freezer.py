# SPDX-License-Identifier: GPL-3.0-or-later
"""Check whether a process can be frozen or is frozen; sources: cgroups(7), cgroup-v1/freezer-subsystem.

The process and not its cgroup's name is the starting point, so that this works with any cgroup manager.
"""

from __future__ import annotations

import os

from .membership import directory, read

#: The files with the state, on v1 and on v2, and the lines that mean frozen or freezing.
_FILES = ("freezer.state", "cgroup.events")
_FROZEN = ("FROZEN", "FREEZING", "frozen 1")


def is_frozen(pid: int) -> bool:
    """Return whether the process's cgroup is frozen or freezing; False if it is unknown."""
    place = directory(pid, "freezer")
    return place is not None and any(line in _FROZEN for line in read(place, *_FILES).splitlines())


def can_freeze(pid: int) -> bool:
    """Return whether the process's cgroup can be frozen: it is not the root, and there is a freezer."""
    place = directory(pid, "freezer")
    return place is not None and any(os.path.exists(f"{place}/{name}") for name in _FILES)
