# SPDX-License-Identifier: GPL-3.0-or-later
"""Find a process's cgroup, also one that another program created; source: cgroups(7)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Optional

from .. import mountinfo


def directory(pid: int, controller: str) -> Optional[str]:
    """Return the directory of the process's cgroup in the hierarchy of ``controller``.

    That is the v1 hierarchy which has the controller, else the v2 hierarchy; None if there is neither, or the
    process has exited.
    """
    mounts = [entry for entry in mountinfo.read() if entry.fstype in ("cgroup", "cgroup2")]
    found: dict[str, str] = {}
    for controllers, path in _cgroups(pid):
        for entry in mounts:
            # Also compare with the mount's options, which list the kernel's controllers: a named hierarchy
            # has none.
            of_v1 = entry.fstype == "cgroup" and controller in controllers.split(",")
            if of_v1 and controller in entry.super_options.split(","):
                found.setdefault("v1", entry.target + _below(entry.root, path))
            elif entry.fstype == "cgroup2" and not controllers:
                found.setdefault("v2", entry.target + _below(entry.root, path))
    return found.get("v1") or found.get("v2")


def read(directory: str, *names: str) -> str:
    """Return the stripped content of the first of these control files that exists and is not empty."""
    for name in names:
        try:
            with open(f"{directory}/{name}", encoding="ascii") as stream:
                text = stream.read().strip()
        except OSError:  # of the other version, or the cgroup has been removed
            continue
        if text:
            return text
    return ""


def _below(root: str, path: str) -> str:
    """Return the path relative to the mount's root, which in a container is not the whole hierarchy."""
    inside = path.removeprefix(root.rstrip("/")) if f"{path}/".startswith(root.rstrip("/") + "/") else path
    return inside.rstrip("/")


def _cgroups(pid: int) -> Iterator[tuple[str, str]]:
    """Yield (controllers, path) of each line ``6:freezer:/slipway/ID``; on v2 the controllers are ""."""
    try:
        with open(f"/proc/{pid}/cgroup", encoding="utf-8", errors="surrogateescape") as stream:
            for line in stream:
                _number, controllers, path = line.rstrip("\n").split(":", 2)
                yield controllers, path
    except (FileNotFoundError, ProcessLookupError):
        return
