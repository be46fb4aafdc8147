# SPDX-License-Identifier: GPL-3.0-or-later
"""Move a process into a systemd scope of its own, so that it is not killed with the login session.

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

#: The directory that sd_booted(3) checks.
_BOOTED = "/run/systemd/system"
#: In seconds; systemd answers in milliseconds, except while the host is booting.
_TIMEOUT = 30.0
_PAUSE = 0.002


def is_running() -> bool:
    """Return whether this host was booted with systemd."""
    return os.path.isdir(_BOOTED)


def manager(asked: Optional[str], path: str = "") -> str:
    """Return the cgroup manager, ``systemd`` or ``cgroupfs``.

    It is the requested one, else the one that created the cgroup ``path``, else the host's default.
    """
    if asked is not None:
        return asked
    if path:
        return names.SYSTEMD if names.is_scope(path) else names.CGROUPFS
    return names.SYSTEMD if is_running() and cgroups.version() == "v2" else names.CGROUPFS


def move(pid: int, unit: str, slice_: str, description: str) -> None:
    """Move the process into a new scope, and wait until it is there; do nothing if it has exited.

    Like the runtimes' scopes, it has no default dependencies, so that it outlives the stop of all other
    units; systemd unloads it after its last process. Raises HostLacks if systemd fails.
    """
    words = ["ssa(sv)a(sa(sv))", unit, "fail", "5"]
    words += ["PIDs", "au", "1", str(pid), "Slice", "s", slice_, "Description", "s", description]
    words += ["DefaultDependencies", "b", "false", "CollectMode", "s", "inactive-or-failed", "0"]
    manager = ["org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager"]
    done = command.run(
        ["busctl", "--system", "call", *manager, "StartTransientUnit", *words], timeout=_TIMEOUT, check=False
    )
    deadline = time.monotonic() + _TIMEOUT
    # The reply only names a job: the process moves a moment later.
    while done.returncode == 0 and time.monotonic() < deadline:
        if _unit(pid) in (unit, None):
            return
        time.sleep(_PAUSE)
    if _unit(pid) is None:
        return
    said = done.stderr.decode(errors="replace").strip() or f"{unit} did not start in {_TIMEOUT:.0f} s"
    raise HostLacks(
        f"systemd can't create a scope for the container's monitor: {said}",
        remedy=Words("See journalctl -b _PID=1, or set ", Setting("cgroup_manager", "cgroupfs")),
        program="systemd",
        unit=unit,
    )


def stop(unit: str) -> None:
    """Stop the unit; do nothing if it does not exist."""
    command.run(["systemctl", "stop", unit], timeout=_TIMEOUT, check=False)


def forget(unit: str) -> None:
    """Unload a failed unit; do nothing if it does not exist or has not failed."""
    command.run(["systemctl", "reset-failed", unit], timeout=_TIMEOUT, check=False)


def _unit(pid: int) -> str | None:
    """Return the last component of the process's cgroup path, or None if the process has exited."""
    try:
        with open(f"/proc/{pid}/cgroup", encoding="utf-8", errors="replace") as stream:
            return stream.read().rstrip("\n").rpartition("/")[2]
    except (FileNotFoundError, ProcessLookupError):
        return None
