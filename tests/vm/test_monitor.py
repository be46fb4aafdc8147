# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers and their monitors belong to systemd's scopes, or to the engine's cgroup, and not to a login session."""

from __future__ import annotations

import pytest

from enginehost import eventually

KINDS = [(manager, runtime) for manager in ("systemd", "cgroupfs") for runtime in ("crun", "runc")]
NAMES = [f"{manager}-{runtime}" for manager, runtime in KINDS]


@pytest.fixture
def boxes(clean):
    """Return the machine with a container of each manager and each runtime, named by both, and the tasks for them."""
    tasks = {
        name: clean.container(name, "sleep", "1000", runtime=runtime, cgroup_manager=manager, stop_timeout=0)
        for name, (manager, runtime) in zip(NAMES, KINDS)
    }
    clean.have(*tasks.values())
    return clean, tasks


def cgroup(machine, pid: int) -> str:
    """Return the cgroup of a process in the machine."""
    return machine.run(f"cat /proc/{pid}/cgroup").removeprefix("0::")


def monitor_of(machine, name: str) -> int:
    """Return the pid of a container's conmon."""
    return int(machine.run(f"cat {machine.inspect(name)['ConmonPidFile']}"))


def test_outlives_the_login(boxes):
    """With KillUserProcesses=yes, after logout and a restart of sshd, conmon still watches: it tells the exit code."""
    machine, tasks = boxes
    pids = {}
    for name in tasks:
        shape, monitor = machine.inspect(name), monitor_of(machine, name)
        pid, full = shape["State"]["Pid"], shape["Id"]
        pids[name] = pid
        if name.startswith("systemd"):
            assert shape["HostConfig"]["CgroupManager"] == "systemd"
            assert cgroup(machine, pid).startswith(f"/system.slice/slipway-{full}.scope")
            assert cgroup(machine, monitor).startswith(f"/system.slice/slipway-conmon-{full[:12]}-")
        else:
            assert cgroup(machine, pid).startswith(f"/slipway/{full}")
            assert cgroup(machine, monitor) == "/slipway/monitors"
    detached = {
        name: machine.run(f"slipway exec --detach {name} sleep 2000")
        for name in ("systemd-crun", "cgroupfs-runc")
    }
    straggler = machine.run("setsid sleep 1000 >/dev/null 2>&1 </dev/null & echo $!")
    machine.log_out()
    machine.run("systemctl restart ssh")
    # systemd did kill what the session left behind; containers are nothing of that kind.
    assert not machine.holds(f"test -d /proc/{straggler}")
    for name, pid in pids.items():
        assert machine.inspect(name)["State"]["Pid"] == pid
    for name, session in detached.items():
        assert machine.inspect(name)["ExecIDs"] == [session]
    machine.run("pkill -x -f 'sleep 2000'")
    eventually(lambda: not any(machine.inspect(name)["ExecIDs"] for name in detached), "both ends were seen")
    machine.run(f"kill -KILL {' '.join(map(str, pids.values()))}")
    for name in pids:
        assert machine.becomes(name, Running=False)["State"]["ExitCode"] == 137


def test_without_conmon(boxes):
    """Where systemd holds the scopes, too, a container whose conmon is dead can be stopped, started and removed."""
    machine, tasks = boxes
    machine.run(f"kill -KILL {' '.join(str(monitor_of(machine, name)) for name in tasks)}")
    assert all(machine.inspect(name)["State"]["Running"] for name in tasks)
    stops = [{"name": name, "slipway.oci.container": {"name": name, "state": "stopped"}} for name in tasks]
    machine.have(*stops)
    assert [machine.inspect(name)["State"]["ExitCode"] for name in tasks] == [None] * len(tasks)
    machine.have(tasks["systemd-crun"], tasks["cgroupfs-runc"])
    for name in ("systemd-crun", "cgroupfs-runc"):
        assert machine.inspect(name)["State"]["Running"]
        machine.run(f"kill -KILL {monitor_of(machine, name)}")


def test_slice_of_ones_own(clean):
    """cgroup_parent names a slice; the limits hold in it, and it goes with the last container."""
    machine = clean
    options = {"cgroup_parent": "shop-parent.slice", "memory": "64m", "pids_limit": "33"}
    machine.have(
        *(machine.container(name, "sleep", "1000", runtime=name, **options) for name in ("crun", "runc"))
    )
    for name in ("crun", "runc"):
        shape = machine.inspect(name)
        place = f"/shop.slice/shop-parent.slice/slipway-{shape['Id']}.scope"
        assert shape["State"]["CgroupPath"] == place
        # crun puts the process one further down.
        own = cgroup(machine, shape["State"]["Pid"])
        assert own.startswith(place)
        limits = machine.run(f"cat /sys/fs/cgroup{own}/memory.max /sys/fs/cgroup{own}/pids.max")
        assert limits.split() == ["67108864", "33"]
    machine.have(*(machine.container(name, state="absent", stop_time=0) for name in ("crun", "runc")))
    assert not machine.holds("systemctl is-active shop-parent.slice || systemctl is-active shop.slice")


def test_out_of_memory(clean):
    """A scope whose process the kernel killed for want of memory is not left behind as failed."""
    machine = clean
    options = {"memory": "16m", "memory_swap": "16m"}
    tasks = [
        machine.container(name, "tail", "/dev/zero", runtime=runtime, cgroup_manager=manager, **options)
        for name, (manager, runtime) in zip(NAMES, KINDS)
    ]
    machine.have(*tasks)
    states = {name: machine.becomes(name, Running=False)["State"] for name in NAMES}
    seen = {name: (state["OOMKilled"], state["ExitCode"]) for name, state in states.items()}
    assert seen == dict.fromkeys(NAMES, (True, 137))
    assert machine.run("systemctl --failed --plain --no-legend") == ""


#: All is allowed but to read one file.
PROFILE = """
profile slipway-test flags=(attach_disconnected,mediate_deleted) {
  file, signal, capability, network, mount, umount, ptrace, unix,
  deny /etc/group r,
}
"""


def profile(machine, name: str) -> str:
    """Return the profile of a running container, which the kernel and inspect tell alike."""
    shape = machine.inspect(name)
    told = machine.run(f"cat /proc/{shape['State']['Pid']}/attr/current")
    assert told == (f"{shape['AppArmorProfile']} (enforce)" if shape["AppArmorProfile"] else "unconfined")
    return shape["AppArmorProfile"]


@pytest.mark.ci
def test_apparmor(clean):
    """With AppArmor, which Debian has, a container gets the default profile, the one asked for, or none when told so."""
    machine = clean
    assert machine.run("cat /sys/module/apparmor/parameters/enabled") == "Y"
    machine.run(f"apparmor_parser --replace <<'END'{PROFILE}END")
    confined = {"security_opt": ["apparmor=slipway-test"], "stop_timeout": 0}
    tasks = [
        machine.container(f"with-{name}", "sleep", "1000", runtime=name, **confined)
        for name in ("crun", "runc")
    ]
    free = {"security_opt": ["apparmor=unconfined"], "cap_add": ["SYS_ADMIN"], "stop_timeout": 0}
    machine.have(
        machine.container("box", "sleep", "1000", cap_add=["SYS_ADMIN"], stop_timeout=0),
        machine.container("free", "sleep", "1000", **free),
        *tasks,
    )
    assert profile(machine, "box") == "slipway-default-1"
    assert profile(machine, "free") == ""
    mount = "mount -t tmpfs none /mnt"
    assert machine.holds(f"slipway exec free sh -c 'mkdir -p /mnt; {mount}'")
    assert not machine.holds(f"slipway exec box sh -c 'mkdir -p /mnt; {mount}'")
    assert machine.holds("slipway exec box sh -c 'sleep 100 & kill $!; echo x >/tmp/x'")
    for name in ("with-crun", "with-runc"):
        pid = machine.inspect(name)["State"]["Pid"]
        assert machine.run(f"cat /proc/{pid}/attr/current") == "slipway-test (enforce)"
        assert machine.holds(f"slipway exec {name} cat /etc/passwd")
        assert not machine.holds(f"slipway exec {name} cat /etc/group")
    unknown = machine.play(machine.container("box", "sleep", "1", security_opt=["apparmor=nowhere"]))
    assert "'apparmor=nowhere' names a profile that is not loaded" in unknown.failed[0][1]
    assert machine.inspect("box")["State"]["Running"]
