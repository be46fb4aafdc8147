# SPDX-License-Identifier: GPL-3.0-or-later
"""Give a process a scope of systemd's of its own, so that nobody ends it with the session it was started from.

Sources: org.freedesktop.systemd1(5), systemd.scope(5); seed ``moveConmonToCgroupAndSignal``.
"""

from __future__ import annotations

import os
import time
from typing import Optional

from ..errors import HostLacks, Setting, Words
from ..kernel import command
from ..kernel.cgroup import cgroups
from ..model.container import cgroup as names

#: What sd_booted(3) looks at.
_BOOTED = "/run/systemd/system"
#: systemd answers in milliseconds, unless the host has just begun to start (seconds).
_TIMEOUT = 30.0
_PAUSE = 0.002


def is_running() -> bool:
    """Tell whether systemd is what started this host."""
    return os.path.isdir(_BOOTED)


def manager(asked: Optional[str], path: str = "") -> str:
    """Return ``systemd`` or ``cgroupfs``, who makes cgroups: what is asked for, else who made ``path``, else what suits."""
    if asked is not None:
        return asked
    if path:
        return names.SYSTEMD if names.is_scope(path) else names.CGROUPFS
    return names.SYSTEMD if is_running() and cgroups.version() == "v2" else names.CGROUPFS


def move(pid: int, unit: str, slice_: str, description: str) -> None:
    """Put the process into a new scope, and return when it is there; one that has ended is fine.

    The scope outlives the stop of all other units (no default dependencies), as those that the runtimes make; systemd
    forgets it with its last process. Raises HostLacks when systemd does not do it.
    """
    words = ["ssa(sv)a(sa(sv))", unit, "fail", "5"]
    words += ["PIDs", "au", "1", str(pid), "Slice", "s", slice_, "Description", "s", description]
    words += ["DefaultDependencies", "b", "false", "CollectMode", "s", "inactive-or-failed", "0"]
    manager = ["org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager"]
    done = command.run(
        ["busctl", "--system", "call", *manager, "StartTransientUnit", *words], timeout=_TIMEOUT, check=False
    )
    deadline = time.monotonic() + _TIMEOUT
    # The answer names a job: the process moves a moment later.
    while done.returncode == 0 and time.monotonic() < deadline:
        if _unit(pid) in (unit, None):
            return
        time.sleep(_PAUSE)
    if _unit(pid) is None:
        return
    said = done.stderr.decode(errors="replace").strip() or f"{unit} did not start in {_TIMEOUT:.0f} s"
    raise HostLacks(
        f"systemd gave no scope to a monitor: {said}",
        remedy=Words("See journalctl -b _PID=1, or write ", Setting("cgroup_manager", "cgroupfs")),
        program="systemd",
        unit=unit,
    )


def stop(unit: str) -> None:
    """Stop the unit; none is fine."""
    command.run(["systemctl", "stop", unit], timeout=_TIMEOUT, check=False)


def forget(unit: str) -> None:
    """Let systemd forget a unit that has failed; none, or one that is no failure, is fine."""
    command.run(["systemctl", "reset-failed", unit], timeout=_TIMEOUT, check=False)


def _unit(pid: int) -> str | None:
    """Return the last part of the process's cgroup, None when the process is gone."""
    try:
        with open(f"/proc/{pid}/cgroup", encoding="utf-8", errors="replace") as stream:
            return stream.read().rstrip("\n").rpartition("/")[2]
    except (FileNotFoundError, ProcessLookupError):
        return None
