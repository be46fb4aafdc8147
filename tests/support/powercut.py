# SPDX-License-Identifier: GPL-3.0-or-later
"""Do to one engine what a power cut and the next boot do to all of a host."""

from __future__ import annotations

import os
import re
import shutil
import signal
from contextlib import suppress

from _engine.kernel import mounts
from _engine.kernel.cgroup import cgroups
from _engine.kernel.process import Process
from _engine.state import meta
from enginehost import Host


def end_processes(host: Host) -> None:
    """Kill everything that belongs to the engine, so that nothing of it sees the end of another."""
    found = [Process.of(int(re.match(r"process (\d+) ", line)[1])) for line in host.processes()]
    for signum in (signal.SIGSTOP, signal.SIGKILL):
        for process in filter(None, found):
            process.signal(signum)
    for process in filter(None, found):
        assert process.wait_gone(10)


def lose_run_root(host: Host) -> None:
    """Delete the run root, with what is mounted in it, as somebody who tidies up in /run does."""
    mounts.unmount_below(host.layout.run_root)
    shutil.rmtree(host.layout.run_root)


def reboot(host: Host, *, power_cut: bool = True) -> None:
    """Leave of the engine what a reboot leaves: its root. Without ``power_cut`` its containers are stopped before."""
    if not power_cut:
        told = host.agent("shutdown")
        assert told.returncode == 0, told.stderr
    end_processes(host)
    mounts.unmount_below(host.top)
    lose_run_root(host)
    if cgroups.exists(host.layout.cgroup_parent):
        cgroups.kill_all(host.layout.cgroup_parent)
        cgroups.remove(host.layout.cgroup_parent)
    another_boot(host)


def another_boot(host: Host) -> None:
    """Let the records be of an earlier boot than this one."""
    with suppress(FileNotFoundError):
        os.unlink(host.layout.boot_marker)
    with host.database() as database, database.transaction() as connection:
        meta.put(connection, meta.BOOT, "an earlier one")
