# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell whether a process can be frozen, and whether it is; sources: cgroups(7), cgroup-v1/freezer-subsystem.

By the process and not by the name of its cgroup, so it holds whoever manages the cgroups.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Optional

from . import mountinfo

#: The file that tells by version, and the words that mean frozen.
_V1, _V2 = "freezer.state", "cgroup.events"
_FROZEN = ("FROZEN", "FREEZING", "frozen 1")


def is_frozen(pid: int) -> bool:
    """Tell whether the process's cgroup is frozen, or on its way; False when nobody can tell."""
    file = _control(pid)
    if file is None:
        return False
    try:
        with open(file, encoding="ascii") as stream:
            return any(line.strip() in _FROZEN for line in stream)
    except OSError:  # it has ended, and its cgroup with it
        return False


def can_freeze(pid: int) -> bool:
    """Tell whether the process is in a cgroup that can be frozen: no root cgroup, and a hierarchy with the freezer."""
    return _control(pid) is not None


def _control(pid: int) -> Optional[str]:
    """Return the file that tells; that of v1 first, since a v1 freezer is what runtimes use where there is one."""
    places = dict(_places(pid))
    for kind, name in (("freezer", _V1), ("", _V2)):
        if kind in places and os.path.exists(f"{places[kind]}/{name}"):
            return f"{places[kind]}/{name}"
    return None


def _places(pid: int) -> Iterator[tuple[str, str]]:
    """Yield ``freezer`` (v1) and an empty text (v2), each with the directory of the process's cgroup."""
    mounts = [entry for entry in mountinfo.read() if entry.fstype in ("cgroup", "cgroup2")]
    for controllers, path in _cgroups(pid):
        kinds = controllers.split(",")
        for entry in mounts:
            of_v1 = entry.fstype == "cgroup" and "freezer" in kinds
            if of_v1 and "freezer" in entry.super_options.split(","):
                yield "freezer", entry.target + _below(entry.root, path)
                break
            if entry.fstype == "cgroup2" and not controllers:
                yield "", entry.target + _below(entry.root, path)
                break


def _below(root: str, path: str) -> str:
    """Return the path below what is mounted, which in a container is not the whole hierarchy."""
    inside = path.removeprefix(root.rstrip("/")) if f"{path}/".startswith(root.rstrip("/") + "/") else path
    return inside.rstrip("/")


def _cgroups(pid: int) -> Iterator[tuple[str, str]]:
    """Yield (controllers, path) of each line ``6:freezer:/slipway/ID``; on v2 the controllers are empty."""
    try:
        with open(f"/proc/{pid}/cgroup", encoding="utf-8", errors="surrogateescape") as stream:
            for line in stream:
                _number, controllers, path = line.rstrip("\n").split(":", 2)
                yield controllers, path
    except (FileNotFoundError, ProcessLookupError):
        return
