# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide where a container and its monitor have their control groups, and clear them away.

Two managers: with *cgroupfs* the engine and the runtime make directories below the engine's own cgroup; with *systemd*
both have scopes. The record keeps the container's path of its last start, so a host whose manager changes loses nothing.
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

#: What systemd is told of the scopes beside a container's own.
_TEXTS = {"conmon": "Monitor", "rootfs": "Root file system"}


def manager(engine: Engine, record: ContainerRecord | None = None) -> str:
    """Return ``systemd`` or ``cgroupfs``: what the task says, else what the container has, else what suits the host."""
    return scope.manager(engine.cgroup_manager, record.cgroup if record is not None else "")


def check(engine: Engine, spec: ContainerSpec, record: ContainerRecord | None = None) -> None:
    """Raise HostLacks for a manager that the host has not, and InvalidOption for a parent that it can't use."""
    has = manager(engine, record)
    if has == names.SYSTEMD and not (scope.is_running() and cgroups.version() == "v2"):
        raise HostLacks(
            "cgroup_manager: systemd needs systemd as process 1, and control groups of version 2 alone",
            remedy=Words("Leave it out, or write ", Setting("cgroup_manager", "cgroupfs")),
            feature="systemd",
        )
    if spec.cgroup_parent is not None and names.is_slice(spec.cgroup_parent) != (has == names.SYSTEMD):
        wanted = "the name of a slice, as web.slice" if has == names.SYSTEMD else "a path, as /web"
        raise InvalidOption(
            "cgroup_parent",
            spec.cgroup_parent,
            f"is not for the cgroup manager {has}",
            remedy=f"Write {wanted}, or another cgroup_manager",
        )
    if spec.cgroup_parent is not None and not names.is_slice(spec.cgroup_parent):
        _check_parent(spec.cgroup_parent)


def _check_parent(parent: str) -> None:
    """Raise InvalidOption for a path that no cgroup can have, since a name is too long, or a file of the kernel's is there."""
    if is_too_long(f"{parent}/{'0' * 64}"):
        raise InvalidOption("cgroup_parent", parent, TOO_LONG)
    if cgroups.is_file(parent):
        raise InvalidOption("cgroup_parent", parent, "is a file of the kernel's", remedy="Name a cgroup")


def planned(engine: Engine, record: ContainerRecord) -> str:
    """Return the path that the container's next start uses, relative to the root of each hierarchy; "" for none."""
    parent = record.spec.cgroup_parent
    if record.spec.cgroups == names.DISABLED:
        return ""
    if manager(engine, record) == names.SYSTEMD:
        return names.scope_path(parent or names.DEFAULT_SLICE, record.id)
    return f"{parent}/{record.id}" if parent else engine.layout.cgroup(record.id)


def cgroup_of(engine: Engine, record: ContainerRecord) -> str:
    """Return the path of the container's cgroup in its last start."""
    return record.cgroup or engine.layout.cgroup(record.id)


def is_there(parent: str) -> bool:
    """Tell whether the cgroup that ``cgroup_parent`` names is there already."""
    return cgroups.exists(names.slice_path(parent) if names.is_slice(parent) else parent)


def monitor_mover(
    engine: Engine, record: ContainerRecord, what: str = "conmon"
) -> Callable[[int], None] | None:
    """Return what takes a new conmon (its pid) out of the caller's cgroup; None where it is to stay.

    ``what`` else a container needs beside it: ``rootfs``, the program that shows its root file system.
    """
    if record.spec.cgroups in (names.DISABLED, names.NO_MONITOR):
        return None
    if not names.is_scope(record.cgroup):
        return lambda pid: moves.enter(engine.layout.monitors_cgroup, pid)
    # Not in the container's own slice: its limits, and its end, are not conmon's.
    slice_, text = names.DEFAULT_SLICE, f"{_TEXTS[what]} of container {record.name}"
    return lambda pid: scope.move(pid, names.monitor_scope(record.id, pid, what), slice_, text)


def manager_for_runtime(record: ContainerRecord) -> str:
    """Return who makes the container's cgroup: ``cgroupfs``, ``systemd``, or ``disabled`` for nobody."""
    if record.spec.cgroups == names.DISABLED:
        return names.DISABLED
    return names.SYSTEMD if names.is_scope(record.cgroup) else names.CGROUPFS


def clear(engine: Engine, record: ContainerRecord) -> None:
    """Remove what the runtime left of the cgroup: a runtime that was killed while creating has no record of it."""
    clear_path(cgroup_of(engine, record))


def clear_path(path: str) -> None:
    """Kill what is in the cgroup and remove it; no such cgroup is fine."""
    if cgroups.exists(path):
        cgroups.kill_all(path)
        cgroups.remove(path)
        if names.is_scope(path):
            scope.forget(os.path.basename(path))


def clear_engine(engine: Engine) -> None:
    """Remove the engine's own cgroup, once it has no container; monitors that are about to end go on elsewhere."""
    moves.dissolve(engine.layout.monitors_cgroup)
    cgroups.remove_empty(engine.layout.cgroup_parent)
