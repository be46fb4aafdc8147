# SPDX-License-Identifier: GPL-3.0-or-later
"""Real checkpoints: memory is kept, here, over a reboot and through an archive; and what a kill leaves is whole."""

from __future__ import annotations

import pytest

from enginehost import eventually

#: Counts in its memory alone, and writes into each place that an archive has.
COUNTER = """
echo one > /written; rm /etc/group; echo two > /data/v; echo three > /dev/shm/s
n=0; while :; do n=$((n+1)); echo $n; sleep 1; done
"""
MANAGERS = ("systemd", "cgroupfs")
#: Above what any test lets it count to before its checkpoint: who began anew would have to count as far again.
FAR = 8


def counter(machine, name: str, **options):
    """Return the task that has a container which counts."""
    given = {"runtime": "runc", "volume": [f"kept-{name}:/data"], "stop_timeout": 0, **options}
    return machine.container(name, "sh", "-c", COUNTER, **given)


def checkpoint(name: str, **options):
    """Return the task that has a checkpoint of a container."""
    return {"name": f"checkpoint {name}", "slipway.oci.container_checkpoint": {"name": name, **options}}


def restore(name: str, **options):
    """Return the task that has a container restored."""
    return {"name": f"restore {name}", "slipway.oci.container_restore": {"name": name, **options}}


def gone(name: str):
    """Return the tasks that remove a container and its volume."""
    volume = {"name": f"kept-{name}", "state": "absent"}
    return (
        {"name": "rm", "slipway.oci.container": {"name": name, "state": "absent", "stop_time": 0}},
        {"name": "rm volume", "slipway.oci.volume": volume},
    )


def counted(machine, name: str) -> list[int]:
    """Return what the container has counted, in this run or before."""
    return [int(line) for line in machine.run(f"slipway logs {name}").split()]


def reach(machine, name: str, number: int) -> list[int]:
    """Wait until the container has counted so far, and return all of its numbers."""
    return eventually(
        lambda: max(found := counted(machine, name), default=0) >= number and found,
        f"{name} counts to {number}",
        timeout=120,
    )


def in_order(numbers: list[int]) -> bool:
    """Tell whether nothing was counted twice or left out."""
    return numbers == [*range(1, len(numbers) + 1)]


@pytest.fixture
def volumes(clean):
    """Return the machine; the volumes of containers that count go with the test's containers."""
    yield clean
    names = clean.run("slipway volumes --json | grep -o 'kept-[a-z0-9-]*' | sort -u").split()
    clean.run("slipway rm -fa -t 0")
    clean.have(
        *({"name": name, "slipway.oci.volume": {"name": name, "state": "absent"}} for name in names),
    )
    clean.run("rm -f /srv/*.ckpt")


def test_goes_on_where_it_was(volumes):
    """A checkpoint ends the container and a restore lets it count on, each once; its cgroup and limits are its own again."""
    machine = volumes
    machine.have(*(counter(machine, name, cgroup_manager=name, memory="64m") for name in MANAGERS))
    for name in MANAGERS:
        reach(machine, name, FAR)
    saving = [checkpoint(name) for name in MANAGERS]
    foreseen = machine.play(*saving, check=True)
    assert (foreseen.failed, len(foreseen.changed)) == ([], 2)
    assert [machine.inspect(name)["State"]["Running"] for name in MANAGERS] == [True, True]
    first = machine.have(*saving, *saving)
    assert [task.changed for task in first.tasks] == [True, True, False, False]
    for name in MANAGERS:
        state = machine.inspect(name)["State"]
        assert (state["Status"], state["Checkpointed"], state["ExitCode"]) == ("exited", True, None)
    back = [restore(name) for name in MANAGERS]
    assert [task.changed for task in machine.have(*back, *back).tasks] == [True, True, False, False]
    for name in MANAGERS:
        assert in_order(reach(machine, name, 2 * FAR))
        shape = machine.inspect(name)
        state = shape["State"]
        assert (state["Running"], state["Restored"], state["Checkpointed"]) == (True, True, False)
        cgroup = machine.run(f"cat /proc/{state['Pid']}/cgroup").removeprefix("0::")
        assert cgroup == state["CgroupPath"]
        assert machine.run(f"cat /sys/fs/cgroup{cgroup}/memory.max") == str(64 << 20)
        assert machine.run(f"slipway exec {name} cat /dev/shm/s") == "three"
        # conmon watches over it as over any other.
        machine.run(f"kill -KILL {state['Pid']}")
        assert machine.becomes(name, Running=False)["State"]["ExitCode"] == 137


def test_archive(volumes):
    """Out of an archive comes a container that counts on, with what the other wrote, deleted, and kept in its volume."""
    machine = volumes
    for name in MANAGERS:
        archive = f"/srv/{name}.ckpt"
        machine.have(counter(machine, name, cgroup_manager=name, memory="64m"))
        reach(machine, name, FAR)
        machine.have(checkpoint(name, leave_running=True), checkpoint(name, export=archive), *gone(name))
        new = restore(f"new-{name}", **{"import": archive})
        assert [task.changed for task in machine.have(new, new).tasks] == [True, False]
        numbers = reach(machine, f"new-{name}", 2 * FAR)
        assert numbers[0] > FAR
        assert numbers == [*range(numbers[0], numbers[0] + len(numbers))]
        said = machine.run(f"slipway exec new-{name} cat /written /data/v /dev/shm/s").split()
        assert said == ["one", "two", "three"]
        assert not machine.holds(f"slipway exec new-{name} ls /etc/group")
        shape = machine.inspect(f"new-{name}")
        cgroup = machine.run(f"cat /proc/{shape['State']['Pid']}/cgroup").removeprefix("0::")
        assert shape["Id"] in cgroup
        assert machine.run(f"cat /sys/fs/cgroup{cgroup}/memory.max") == str(64 << 20)


def test_left_running(volumes):
    """With leave_running the container counts on, and can be taken back to its checkpoint when it has been stopped."""
    machine = volumes
    machine.have(counter(machine, "box"))
    reach(machine, "box", FAR)
    machine.have(checkpoint("box", leave_running=True))
    state = machine.inspect("box")["State"]
    assert (state["Running"], state["Checkpointed"]) == (True, False)
    at = reach(machine, "box", 3 * FAR)
    assert in_order(at)
    machine.run("slipway stop -t 0 box; slipway restore box")
    numbers = eventually(
        lambda: len(found := counted(machine, "box")) > len(at) + FAR and found, "counts", timeout=120
    )
    assert not in_order(numbers)
    assert numbers.count(1) == 1


def test_over_a_reboot(volumes):
    """A checkpoint outlives a reboot, and no policy starts the container; restored it counts on."""
    machine = volumes
    machine.have(counter(machine, "box", restart_policy="always"))
    reach(machine, "box", FAR)
    machine.have(checkpoint("box"))
    machine.do("reboot")
    machine.run("systemctl is-system-running --wait; systemctl is-active slipway.service", timeout=300)
    assert machine.inspect("box")["State"]["Checkpointed"]
    machine.have(restore("box"))
    assert in_order(reach(machine, "box", 2 * FAR))


def test_killed_meanwhile(volumes):
    """Whenever whoever makes a checkpoint is killed, the container runs or its checkpoint is complete, and it counts on."""
    machine = volumes
    machine.have(counter(machine, "box"))
    reach(machine, "box", FAR)
    outcomes = set()
    for tenths in (5, 12, 20, 28, 36, 50):
        machine.run(f"timeout -s KILL {tenths / 10} slipway checkpoint box", check=False)
        state = eventually(lambda: settled(machine), "settled", timeout=120)
        outcomes.add(state["Checkpointed"])
        if state["Checkpointed"]:
            machine.run("slipway restore box")
        assert in_order(reach(machine, "box", max(counted(machine, "box")) + 2))
    assert outcomes == {True, False}


def settled(machine):
    """Return the container's state once nobody is at it any more and it was looked after."""
    if machine.holds("pgrep -f '[c]heckpoint.new'"):
        return None
    machine.run("slipway pause box && slipway unpause box", check=False)  # which mends first
    state = machine.inspect("box")["State"]
    return state if state["Running"] or state["Checkpointed"] else None


def test_crun_refuses(clean):
    """The distribution's crun was built without CRIU: the task fails with what to do, and the container runs on."""
    clean.have(clean.container("box", "sleep", "1000", runtime="crun", stop_timeout=0))
    pid = clean.inspect("box")["State"]["Pid"]
    play = clean.play(checkpoint("box"))
    [(name, said)] = play.failed
    assert (name, play[name]["error"]) == ("checkpoint box", "host_lacks")
    assert "built without CRIU" in said
    assert clean.inspect("box")["State"]["Pid"] == pid
