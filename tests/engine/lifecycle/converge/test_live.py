# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits that are changed while the container runs, and changes that fail or are killed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from _engine.errors import InvalidOption, RuntimeFailed
from _engine.kernel.cgroup import membership
from _engine.lifecycle.core.facts import save
from _engine.lifecycle.guard import limits as altering
from _engine.lifecycle.guard.hold import hold

SLEEP = ("sleep", "1000")
MIB = 1 << 20
#: The value of cgroups v1 for no limit: the largest number of whole pages.
NONE_V1 = str((2**63 - 1) // 4096 * 4096)


def seen(host, controller, *names):
    """Return the content of a control file of the container, of v1 or of v2."""
    return membership.read(membership.directory(host.record().process.pid, controller), *names)


def memory(host):
    """Return the memory limit."""
    return seen(host, "memory", "memory.max", "memory.limit_in_bytes").replace(NONE_V1, "max")


def swap(host):
    """Return the limit of memory and swap together."""
    found = seen(host, "memory", "memory.memsw.limit_in_bytes")
    return found.replace(NONE_V1, "max") if found else seen(host, "memory", "memory.swap.max")


def reservation(host):
    """Return the memory reservation."""
    return seen(host, "memory", "memory.soft_limit_in_bytes").replace(NONE_V1, "max")


def cpu(host):
    """Return quota and period; with crun, no quota is the time of more processors than Linux can have."""
    found = seen(host, "cpu", "cpu.max")
    if not found:
        found = f"{seen(host, 'cpu', 'cpu.cfs_quota_us')} {seen(host, 'cpu', 'cpu.cfs_period_us')}"
    return found.replace("-1 ", "max ").replace("819200000 ", "max ")


def shares(host):
    """Return the CPU weight."""
    return seen(host, "cpu", "cpu.shares")


def cpus(host):
    """Return the CPUs."""
    return seen(host, "cpuset", "cpuset.cpus")


def mems(host):
    """Return the memory nodes."""
    return seen(host, "cpuset", "cpuset.mems")


def pids(host):
    """Return the maximum number of processes."""
    return seen(host, "pids", "pids.max").replace("4194304", "max")  # with crun: more pids than can exist


ONLINE = Path("/sys/devices/system/cpu/online").read_text().strip()
NODES = Path("/sys/devices/system/node/online").read_text().strip()
#: Successive options, each with the resulting values in the kernel. The container stays the same.
CHANGES = {
    "memory": (memory, [{"memory": "64m"}, {"memory": "128m"}, {"memory": "32m"}, {}], [64, 128, 32, "max"]),
    "swap": (
        swap,
        [
            {"memory": "64m"},
            {"memory": "64m", "memory_swap": "-1"},
            {"memory": "64m", "memory_swap": "70m"},
            {},
        ],
        [128, "max", 70, "max"],
    ),
    "reservation": (
        reservation,
        [{"memory_reservation": "16m"}, {"memory_reservation": "32m", "memory": "64m"}, {}],
        [16, 32, "max"],
    ),
    "cpus": (cpu, [{"cpus": "0.5"}, {"cpus": "1.5"}, {}], ["50000 100000", "150000 100000", "max 100000"]),
    "quota": (
        cpu,
        [{"cpu_quota": 20000, "cpu_period": 50000}, {"cpu_quota": 20000}, {"cpus": "0.1"}, {}],
        ["20000 50000", "20000 100000", "10000 100000", "max 100000"],
    ),
    "shares": (shares, [{"cpu_shares": 512}, {"cpu_shares": 2048}, {}], ["512", "2048", "1024"]),
    "cpuset": (cpus, [{"cpuset_cpus": "0"}, {}], ["0", ONLINE]),
    "mems": (mems, [{"cpuset_mems": "0"}, {}], ["0", NODES]),
    "pids": (
        pids,
        [{"pids_limit": 64}, {"pids_limit": 10}, {"pids_limit": -1}, {}],
        ["64", "10", "max", "2048"],
    ),
}


@pytest.mark.parametrize("start", ["with", "without"])
@pytest.mark.parametrize("what", CHANGES)
def test_changed_while_it_runs(host, what, start):
    """The kernel has the new limit at once, lower, higher or none, and the process keeps running."""
    look, asked, expected = CHANGES[what]
    before = host.start(*SLEEP, **(asked[-1] if start == "without" else asked[1]))["State"]
    for options, value in zip(asked, expected):
        wanted = str(value * MIB) if isinstance(value, int) else value
        host.want("started", *SLEEP, **options)
        assert look(host) == wanted, options
        assert host.want("started", *SLEEP, **options).actions == ()
    state = host.inspect()["State"]
    assert (state["Pid"], state["StartedAt"]) == (before["Pid"], before["StartedAt"])
    assert host.record().intent == ""
    assert (
        sorted(name for name in os.listdir(host.layout.container(host.record().id).run) if "json" in name)
        == []
    )


def test_check_mode_tells_and_does_nothing(host):
    """A change that check mode predicts is live, and no limit changes."""
    host.start(*SLEEP, memory="64m")
    outcome = host.want("started", *SLEEP, memory="128m", settings={"read_only": True})
    assert (outcome.actions, outcome.cost) == (("updated box",), "live")
    assert memory(host) == str(64 * MIB)


@pytest.mark.parametrize("state", ["created", "stopped", "paused"])
def test_changed_while_it_does_not_run(host, state):
    """A stopped container gets the limit at its start, a paused one at once."""
    host.want("started" if state == "stopped" else state, *SLEEP, memory="64m")
    host.want(state, *SLEEP, memory="128m", stop_time=0)
    host.want("started", *SLEEP, memory="128m")
    assert memory(host) == str(128 * MIB)


def test_a_restart_keeps_it(host):
    """The next run has the changed limits."""
    host.start(*SLEEP, memory="64m")
    host.want("started", *SLEEP, memory="128m", pids_limit=99)
    host.bring("box", "restarted", stop_time=0)
    assert (memory(host), pids(host)) == (str(128 * MIB), "99")


def test_what_the_runtime_refuses_changes_nothing(host):
    """If the runtime refuses a CPU that the host lacks, a limit that it has already set is undone."""
    host.start(*SLEEP, memory="64m")
    before = host.record()
    refused = {"memory": "128m", "cpuset_cpus": "4095"}
    with pytest.raises(
        InvalidOption, match="4095"
    ):  # by the preceding check, which values that change by themselves may evade
        host.want("started", *SLEEP, **refused)
    with host.open() as engine, hold(engine, before.id, "update") as record, pytest.raises(RuntimeFailed):
        altering.alter(engine, record, host.spec(*SLEEP, **refused))
    assert host.record() == before
    assert (memory(host), pids(host)) == (str(64 * MIB), "2048")
    assert host.want("started", *SLEEP, memory="128m").actions == ("updated box",)
    assert memory(host) == str(128 * MIB)


def test_less_memory_than_it_uses_is_refused(host):
    """A limit that could only kill the container is refused with a reason, before anything is changed."""
    script = "x=$(head -c 40000000 /dev/zero | tr '\\0' x); echo ready; while :; do sleep 1; done"
    host.start("sh", "-c", script, memory="256m")
    host.said("ready")
    before = host.record()
    with pytest.raises(InvalidOption, match="bytes that the container uses") as caught:
        host.want("started", "sh", "-c", script, memory="8m")
    assert caught.value.fields["option"] == "memory"
    assert host.record() == before
    assert memory(host) == str(256 * MIB)


@pytest.mark.parametrize("applied", [False, True])
def test_killed_half_way(host, applied, monkeypatch):
    """A killed change is undone by the next verb, and the next task repeats it."""

    class Killed(BaseException):
        """Ends the verb as a kill does: nothing of it continues."""

    def die(engine, record, name):
        if applied:
            genuine(engine, record, name)
        raise Killed

    host.start(*SLEEP, memory="64m")
    genuine = altering._apply
    monkeypatch.setattr(altering, "_apply", die)
    with pytest.raises(Killed):
        host.want("started", *SLEEP, memory="128m", pids_limit=99)
    monkeypatch.undo()
    assert host.record().intent == "update"
    assert memory(host) == str((128 if applied else 64) * MIB)
    with host.open() as engine, hold(engine, host.record().id, "look") as record:
        assert (record.intent, record.spec.memory) == ("", 64 * MIB)
    assert (memory(host), pids(host)) == (str(64 * MIB), "2048")
    assert host.want("started", *SLEEP, memory="128m", pids_limit=99).actions == ("updated box",)
    assert (memory(host), pids(host)) == (str(128 * MIB), "99")


def test_killed_and_ended_meanwhile(host):
    """A container that exited after its change was killed keeps nothing of it."""
    host.start(*SLEEP, memory="64m")
    with host.open() as engine:
        save(engine, host.record(), intent="update")
    host.bring("box", "stopped", stop_time=0)
    assert (host.record().intent, host.record().status) == ("", "exited")


#: The file to which each runtime writes the weight: crun 1.8 does not know the name for scheduler BFQ in v1.
WEIGHTS = {
    "crun": ("io.bfq.weight", "io.weight", "blkio.weight"),
    "runc": ("io.bfq.weight", "io.weight", "blkio.weight", "blkio.bfq.weight"),
}


def test_weight_of_block_input_and_output(host, runtime):
    """The weight is changed live; if the runtime has no file for it, the change is refused."""
    before = host.start(*SLEEP)["State"]
    usual = seen(host, "blkio", *WEIGHTS[runtime])
    if usual:
        host.want("started", *SLEEP, blkio_weight=500)
        assert seen(host, "blkio", *WEIGHTS[runtime]) != usual
        host.want("started", *SLEEP)
        assert seen(host, "blkio", *WEIGHTS[runtime]) == usual
    else:
        with pytest.raises(RuntimeFailed):
            host.want("started", *SLEEP, blkio_weight=500)
        assert host.record().spec.blkio_weight is None
    state = host.inspect()["State"]
    assert (state["Pid"], state["StartedAt"]) == (before["Pid"], before["StartedAt"])
