# SPDX-License-Identifier: GPL-3.0-or-later
"""Choose the cgroups of a container and its monitor, and remove them.

There are two managers: with *cgroupfs* the engine and the runtime create directories below the engine's own cgroup; with
*systemd* both get scopes. The record has the path of the last start, so changing a host's manager loses no cgroup.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from ...errors import HostLacks, InvalidOption, Setting, Words
from ...kernel.cgroup import cgroups, moves
from ...model.container import cgroup as names
from ...model.container.spec import ContainerSpec
from ...model.engine.record import ContainerRecord
from ...model.values.text import TOO_LONG, is_too_long
from ...systemd import scope
from ..core.engine import Engine

#: Descriptions of the systemd scopes other than the container's own.
_TEXTS = {"conmon": "Monitor", "rootfs": "Root file system"}


def manager(engine: Engine, record: ContainerRecord | None = None) -> str:
    """Return ``systemd`` or ``cgroupfs``: the task's choice, the container's, or the host's default."""
    return scope.manager(engine.cgroup_manager, record.cgroup if record is not None else "")


def check(engine: Engine, spec: ContainerSpec, record: ContainerRecord | None = None) -> None:
    """Check the manager and the parent cgroup. Raises HostLacks, and InvalidOption for the parent."""
    has = manager(engine, record)
    if has == names.SYSTEMD and not (scope.is_running() and cgroups.version() == "v2"):
        raise HostLacks(
            "cgroup_manager: systemd needs systemd as PID 1 and a pure cgroup v2 hierarchy",
            remedy=Words("Omit cgroup_manager, or use ", Setting("cgroup_manager", "cgroupfs")),
            feature="systemd",
        )
    if spec.cgroup_parent is not None and names.is_slice(spec.cgroup_parent) != (has == names.SYSTEMD):
        wanted = "the name of a slice, such as web.slice" if has == names.SYSTEMD else "a path, such as /web"
        raise InvalidOption(
            "cgroup_parent",
            spec.cgroup_parent,
            f"is invalid for the cgroup manager {has}",
            remedy=f"Set {wanted}, or another cgroup_manager",
        )
    if spec.cgroup_parent is not None and not names.is_slice(spec.cgroup_parent):
        _check_parent(spec.cgroup_parent)


def _check_parent(parent: str) -> None:
    """Check that the path can be a cgroup. Raises InvalidOption if it is too long or a file of cgroupfs."""
    if is_too_long(f"{parent}/{'0' * 64}"):
        raise InvalidOption("cgroup_parent", parent, TOO_LONG)
    if cgroups.is_file(parent):
        raise InvalidOption("cgroup_parent", parent, "is a file of cgroupfs", remedy="Name a cgroup")


def planned(engine: Engine, record: ContainerRecord) -> str:
    """Return the path for the container's next start, relative to each hierarchy's root; "" for no cgroup."""
    parent = record.spec.cgroup_parent
    if record.spec.cgroups == names.DISABLED:
        return ""
    if manager(engine, record) == names.SYSTEMD:
        return names.scope_path(parent or names.DEFAULT_SLICE, record.id)
    return f"{parent}/{record.id}" if parent else engine.layout.cgroup(record.id)


def cgroup_of(engine: Engine, record: ContainerRecord) -> str:
    """Return the path of the container's cgroup since its last start."""
    return record.cgroup or engine.layout.cgroup(record.id)


def is_there(parent: str) -> bool:
    """Return whether the cgroup that ``cgroup_parent`` names exists."""
    return cgroups.exists(names.slice_path(parent) if names.is_slice(parent) else parent)


def monitor_mover(
    engine: Engine, record: ContainerRecord, what: str = "conmon"
) -> Callable[[int], None] | None:
    """Return a function that moves a new conmon out of the caller's cgroup by PID; None if it must stay.

    With ``what`` set to ``rootfs``, the process is the program that serves the container's root file system.
    """
    if record.spec.cgroups in (names.DISABLED, names.NO_MONITOR):
        return None
    if not names.is_scope(record.cgroup):
        return lambda pid: moves.enter(engine.layout.monitors_cgroup, pid)
    # Not in the container's slice, whose limits and removal must not affect conmon.
    slice_, text = names.DEFAULT_SLICE, f"{_TEXTS[what]} of container {record.name}"
    return lambda pid: scope.move(pid, names.monitor_scope(record.id, pid, what), slice_, text)


def manager_for_runtime(record: ContainerRecord) -> str:
    """Return the manager that creates the container's cgroup: ``cgroupfs``, ``systemd``, or ``disabled``."""
    if record.spec.cgroups == names.DISABLED:
        return names.DISABLED
    return names.SYSTEMD if names.is_scope(record.cgroup) else names.CGROUPFS


def clear(engine: Engine, record: ContainerRecord) -> None:
    """Remove the container's cgroup; a runtime that was killed during its create has no record of it."""
    clear_path(cgroup_of(engine, record))


def clear_path(path: str) -> None:
    """Kill the processes in the cgroup and remove it; do nothing if it does not exist."""
    if cgroups.exists(path):
        cgroups.kill_all(path)
        cgroups.remove(path)
        if names.is_scope(path):
            scope.forget(os.path.basename(path))


def clear_engine(engine: Engine) -> None:
    """Remove the engine's own cgroup once it has no container; exiting monitors are moved elsewhere."""
    moves.dissolve(engine.layout.monitors_cgroup)
    cgroups.remove_empty(engine.layout.cgroup_parent)
