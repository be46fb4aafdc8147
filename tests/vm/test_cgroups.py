# SPDX-License-Identifier: GPL-3.0-or-later
"""Freezing and limits where there is cgroup v2 alone and systemd holds the scopes."""

from __future__ import annotations

import pytest

RUNTIMES = ("crun", "runc")


@pytest.fixture
def boxes(clean):
    """Return the machine, and the function that gives the tasks for a container of each runtime, named by it."""

    def tasks(state: str = "started", **options):
        options = {"memory": "64m", "pids_limit": "50", "stop_timeout": 0, **options}
        return [
            clean.container(name, "sleep", "1000", state=state, runtime=name, **options) for name in RUNTIMES
        ]

    clean.have(*tasks())
    return clean, tasks


def cgroup(machine, name: str) -> str:
    """Return where the container's first process is; crun has it one below the scope, and freezes and limits there."""
    place = machine.run(f"cat /proc/{machine.inspect(name)['State']['Pid']}/cgroup").removeprefix("0::")
    assert place.startswith("/system.slice/slipway-")
    return f"/sys/fs/cgroup{place}"


def frozen(machine, name: str) -> bool:
    """Tell whether the kernel has frozen the container's first process."""
    return "frozen 1" in machine.run(f"cat {cgroup(machine, name)}/cgroup.events")


def test_pause(boxes):
    """A paused container is frozen by the kernel's word, also after systemd was reloaded, and goes on as it was."""
    machine, tasks = boxes
    pids = {name: machine.inspect(name)["State"]["Pid"] for name in RUNTIMES}
    machine.have(*tasks("paused"))
    machine.run("systemctl daemon-reload")
    for name in RUNTIMES:
        assert frozen(machine, name)
        assert machine.inspect(name)["State"]["Status"] == "paused"
    machine.have(*tasks("started"))
    for name in RUNTIMES:
        assert not frozen(machine, name)
        state = machine.inspect(name)["State"]
        assert (state["Status"], state["Pid"]) == ("running", pids[name])
    machine.run(f"slipway pause {' '.join(RUNTIMES)}")
    machine.run(f"slipway stop --time 1 {' '.join(RUNTIMES)}")  # what is frozen can be stopped


def test_live_limits(boxes):
    """Limits change while it runs, and systemd, when it is reloaded, holds to the new ones."""
    machine, tasks = boxes
    pids = {name: machine.inspect(name)["State"]["Pid"] for name in RUNTIMES}
    changed = machine.play(*tasks(memory="96m", pids_limit="60"))
    assert (changed.failed, changed.changed) == ([], [*RUNTIMES])
    machine.run("systemctl daemon-reload")
    for name in RUNTIMES:
        assert machine.inspect(name)["State"]["Pid"] == pids[name]
        limits = machine.run(f"cd {cgroup(machine, name)} && cat memory.max pids.max")
        assert limits.split() == [str(96 << 20), "60"]
    again = machine.play(*tasks(memory="96m", pids_limit="60"))
    assert (again.failed, again.changed) == ([], [])
