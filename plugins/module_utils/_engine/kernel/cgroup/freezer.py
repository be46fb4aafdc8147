# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell whether a process can be frozen, and whether it is; sources: cgroups(7), cgroup-v1/freezer-subsystem.

By the process and not by the name of its cgroup, so it holds whoever manages the cgroups.
"""

from __future__ import annotations

import os

from .membership import directory, read

#: The file that tells, on v1 and on v2, and the words that mean frozen.
_FILES = ("freezer.state", "cgroup.events")
_FROZEN = ("FROZEN", "FREEZING", "frozen 1")


def is_frozen(pid: int) -> bool:
    """Tell whether the process's cgroup is frozen, or on its way; False when nobody can tell."""
    place = directory(pid, "freezer")
    return place is not None and any(line in _FROZEN for line in read(place, *_FILES).splitlines())


def can_freeze(pid: int) -> bool:
    """Tell whether the process is in a cgroup that can be frozen: no root cgroup, and a hierarchy with the freezer."""
    place = directory(pid, "freezer")
    return place is not None and any(os.path.exists(f"{place}/{name}") for name in _FILES)
