# SPDX-License-Identifier: GPL-3.0-or-later
"""conmon has its own cgroup, and a container whose conmon died can still be stopped, started and removed.

Seed: moveConmonToCgroupAndSignal, checkExitFile.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
from pathlib import Path

import pytest

from _engine.errors import HostLacks, InvalidOption
from _engine.kernel.cgroup import cgroups, moves
from _engine.kernel.process import Process, find_by_argument
from _engine.model.engine.storage_drivers import FUSE
from enginehost import eventually

#: Starts a container from within the cgroup into which it is put.
START = """
import sys
from pathlib import Path
from enginehost import Host
top, runtime, image, rm = sys.argv[1:]
print("ready", flush=True)
sys.stdin.readline()
Host(Path(top), runtime, image).want("started", "sleep", "1000", rm=bool(rm))
print("started", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def session():
    """Return a cgroup like that of a login session."""
    path = f"/slipway-session-{secrets.token_hex(4)}"
    yield path
    cgroups.kill_all(path)
    cgroups.remove(path)


def start_in(session: str, host, python_child, rm: str = ""):
    """Start ``box`` from a process in the cgroup, and return that process."""
    child = python_child(START, host.top, host.runtime, host.image, rm)
    assert child.stdout.readline() == "ready\n"
    enter_everywhere(session, child.pid)
    child.stdin.write("go\n")
    child.stdin.flush()
    assert child.stdout.readline() == "started\n"
    return child


def enter_everywhere(path: str, pid: int) -> None:
    """Move the process into the cgroup in all hierarchies, even if it is in the root cgroup."""
    for entry in cgroups.hierarchies():
        place = entry.target + path
        os.makedirs(place)
        moves._fill_cpuset(place)
        Path(place, "cgroup.procs").write_text(str(pid), encoding="ascii")


def places(pid: int) -> set[str]:
    """Return the paths of the process's cgroups."""
    return {line.split(":", 2)[2] for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines()}


def test_outlives_the_session_that_started_it(host, python_child, session):
    """A kill of the caller's whole cgroup, as logind does at logout, leaves container and conmon running."""
    child = start_in(session, host, python_child)
    record = host.record()
    assert session not in places(record.monitor.pid) | places(record.process.pid)
    assert host.layout.monitors_cgroup in places(record.monitor.pid)
    cgroups.kill_all(session)
    assert child.wait(10) == -signal.SIGKILL
    assert host.inspect()["State"]["Running"]
    # conmon still works: it sees the exit, and calls the agent.
    os.kill(record.process.pid, signal.SIGKILL)
    assert host.ended()["State"]["ExitCode"] == 137
    cgroups.remove(session)


@pytest.mark.parametrize("runtime", ["runc"], indirect=True)
def test_the_root_file_system_outlives_it_too(host, python_child, session, need, monkeypatch):
    """The program of a FUSE root file system runs next to conmon, so the files outlive the session."""
    need(shutil.which(FUSE), FUSE)
    monkeypatch.setenv("SLIPWAY_TEST_STORAGE", FUSE)
    child = start_in(session, host, python_child)
    merged = host.layout.container(host.record().id).merged
    [program] = find_by_argument(f"slipway-rootfs:{merged}")
    assert session not in places(program.pid)
    assert host.layout.monitors_cgroup in places(program.pid)
    cgroups.kill_all(session)
    assert child.wait(10) == -signal.SIGKILL
    assert "bin" in os.listdir(merged)
    host.bring("box", "stopped", stop_time=0)
    assert not program.alive()
    cgroups.remove(session)


def test_the_last_container_takes_the_monitors_cgroup_with_it(host, python_child, session):
    """Also if conmon's own call removes the container (rm), so that the caller is in the removed cgroup."""
    start_in(session, host, python_child, rm="rm")
    assert cgroups.exists(host.layout.monitors_cgroup)
    os.kill(host.record().process.pid, signal.SIGKILL)
    eventually(lambda: host.record() is None, "removed")
    eventually(lambda: not cgroups.exists(host.layout.cgroup_parent), "the engine's cgroup is gone")


def test_caller_at_the_top_is_left_there(host):
    """The root cgroup never ends, and a move costs time: monitors there get no cgroup of their own."""
    mine = places(os.getpid())
    host.start("sleep", "1000")
    assert cgroups.exists(host.layout.monitors_cgroup) == (mine != {"/"})


@pytest.mark.parametrize("use", ["no-conmon", "disabled"])
def test_monitor_stays_where_it_is_told_to(host, python_child, session, use):
    """With cgroups: no-conmon conmon stays in the caller's cgroup; with disabled, the container does too."""
    if use == "disabled" and host.runtime != "crun":
        with pytest.raises(HostLacks, match="crun"):
            host.want("started", "sleep", "1000", cgroups=use)
        assert host.record() is None
        return
    host.start("sleep", "1000", cgroups=use)
    record = host.record()
    assert places(record.monitor.pid) == places(os.getpid())
    assert (places(record.process.pid) == places(os.getpid())) == (use == "disabled")
    assert host.inspect()["HostConfig"]["Cgroups"] == use
    host.bring("box", "stopped", stop_time=0)
    assert host.inspect()["State"]["ExitCode"] == 137


def test_cgroup_parent(host):
    """The container's cgroup is created below the parent; a created parent is removed with it."""
    parent = f"/slipway-parent-{secrets.token_hex(4)}/inner"
    host.start("sleep", "1000", cgroup_parent=parent)
    record = host.record()
    assert f"{parent}/{record.id}" in places(record.process.pid)
    shape = host.inspect()
    assert (shape["HostConfig"]["CgroupParent"], shape["State"]["CgroupPath"]) == (
        parent,
        f"{parent}/{record.id}",
    )
    host.bring("box", "absent", stop_time=0)
    assert not cgroups.exists(os.path.dirname(parent))


def test_a_parent_of_the_users_own_stays(host):
    """A cgroup that existed before is not removed by the engine."""
    parent = f"/slipway-parent-{secrets.token_hex(4)}"
    made = [entry.target + parent for entry in cgroups.hierarchies()]
    for place in made:
        os.mkdir(place)
    try:
        host.start("sleep", "1000", cgroup_parent=parent)
        host.bring("box", "absent", stop_time=0)
        assert all(os.path.isdir(place) for place in made)
    finally:
        cgroups.remove(parent)


def test_manager_that_the_host_has_not(host):
    """The systemd manager is refused where systemd is not PID 1, and a slice without the systemd manager."""
    if os.path.isdir("/run/systemd/system"):
        pytest.skip("systemd runs here: tests/vm has the other half")
    with pytest.raises(HostLacks, match="systemd"):
        host.want("started", "sleep", "1", settings={"cgroup_manager": "systemd"})
    with pytest.raises(InvalidOption, match="cgroupfs"):
        host.want("started", "sleep", "1", cgroup_parent="web.slice")
    assert host.record() is None


# -- a dead conmon -------------------------------------------------------------------------------


def kill_monitor(host) -> None:
    """Kill conmon, and wait until it is gone."""
    monitor = host.record().monitor
    os.kill(monitor.pid, signal.SIGKILL)
    assert Process(monitor.pid, monitor.start_time).wait_gone(10)


def test_running_without_conmon(host):
    """A container whose conmon died is seen as running; an unchanged task changes nothing, a stop works."""
    host.start("sleep", "1000")
    kill_monitor(host)
    assert host.inspect()["State"]["Running"]
    assert host.want("started", "sleep", "1000").actions == ()
    host.bring("box", "stopped", stop_time=0)
    state = host.inspect()["State"]
    assert (state["Status"], state["ExitCode"]) == ("exited", None)
    assert host.start("sleep", "1000")["State"]["Running"]
    assert host.record().monitor is not None


def test_ended_without_conmon(host):
    """A container that exited unobserved is seen as exited, with an unknown exit code, not 0."""
    host.start("sleep", "1000")
    kill_monitor(host)
    process = host.record().process
    os.kill(process.pid, signal.SIGKILL)
    assert Process(process.pid, process.start_time).wait_gone(10)
    state = host.inspect()["State"]
    assert (state["Running"], state["ExitCode"]) == (False, None)
    assert host.start("sleep", "1000")["State"]["Running"]


def test_removed_without_conmon(host):
    """Removal stops it, and nothing is left."""
    host.start("sleep", "1000")
    kill_monitor(host)
    host.bring("box", "absent", stop_time=0)
    assert host.record() is None


def test_replaced_without_conmon(host):
    """A changed task replaces it."""
    host.start("sleep", "1000")
    kill_monitor(host)
    assert host.start("sleep", "1001", stop_time=0)["State"]["Running"]
    assert shutil.which("conmon") in os.readlink(f"/proc/{host.record().monitor.pid}/exe")
