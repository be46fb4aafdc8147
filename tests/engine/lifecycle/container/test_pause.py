# SPDX-License-Identifier: GPL-3.0-or-later
"""Pausing (seed: pause, unpause)."""

from __future__ import annotations

import os
import signal

import pytest

from _engine.agent.install import exit_command
from _engine.errors import HostLacks, RuntimeFailed, WrongState
from _engine.kernel import mountinfo
from _engine.kernel.cgroup import freezer, membership
from _engine.kernel.process import Process
from _engine.lifecycle.container import kill as killing
from _engine.lifecycle.container import pause as pausing
from _engine.lifecycle.container import stop as stopping
from _engine.lifecycle.container.restart import restart
from _engine.lifecycle.container.start_existing import start_again
from _engine.lifecycle.converge.container import converge
from _engine.lifecycle.converge.request import Request
from _engine.lifecycle.core.facts import save
from _engine.lifecycle.guard.hold import hold
from _engine.runtime.oci import OciRuntime
from enginehost import eventually

COUNTER = ("sh", "-c", "trap 'echo got TERM; exit 7' TERM; while :; do echo x; sleep 0.02; done")


@pytest.fixture
def do(host):
    """Return the function that runs a verb on the container by the command line."""

    def do(verb, *arguments, name="box", **options):
        with host.open(runtime=None) as engine:
            return verb(engine, host.record(name).id, *arguments, **options)

    return do


def pid(host):
    """Return the container's first process."""
    return host.record().process.pid


def test_paused_and_let_go_on(host, do):
    """A paused container is frozen and reported as paused; unpaused, it continues; both are idempotent."""
    host.start(*COUNTER)
    host.said("x")
    do(pausing.pause)
    assert freezer.is_frozen(pid(host))
    state = host.inspect()["State"]
    assert (state["Status"], state["Paused"], state["Running"]) == ("paused", True, False)
    before = host.log()
    do(pausing.pause)
    assert host.log() == before
    do(pausing.unpause)
    assert host.inspect()["State"]["Status"] == "running"
    eventually(lambda: host.log() > before, "it goes on")
    do(pausing.unpause)
    assert host.inspect()["State"]["Pid"] == state["Pid"]


@pytest.mark.parametrize("verb", [pausing.pause, pausing.unpause])
def test_refused_for_what_does_not_run(host, do, verb):
    """A container that was never started or has exited can't be paused: the error has its state."""
    host.want("created", "sleep", "1000")
    for status in ("configured", "exited"):
        before = host.picture()
        with pytest.raises(WrongState, match=f"box is {status}"):
            do(verb)
        assert host.picture() == before
        host.bring("box", "started")
        host.bring("box", "stopped", stop_time=0)
        # The agent that conmon calls removes its lock file a moment later.
        eventually(lambda: host.processes() == [], "the agent has gone")


def test_refused_where_cgroups_cannot_freeze(host, do, monkeypatch):
    """Without a freezer the error says what is missing, and the container keeps running."""
    host.start(*COUNTER)
    before = host.record()
    everything = mountinfo.read()
    # tests/engine/kernel/test_freezer.py really unmounts it; here, a container could not be cleaned up then.
    others = [
        entry
        for entry in everything
        if entry.fstype != "cgroup2" and "freezer" not in entry.super_options.split(",")
    ]
    monkeypatch.setattr(membership.mountinfo, "read", lambda _having="": others)
    with pytest.raises(HostLacks, match="no cgroup that can be frozen") as caught:
        do(pausing.pause)
    monkeypatch.undo()
    assert caught.value.fields["feature"] == "freezer"
    assert host.record() == before


@pytest.mark.parametrize("runtime", ["crun"], indirect=True)  # runc creates a cgroup in any case
def test_refused_without_a_cgroup(host, do):
    """A container without its own cgroup is not paused: other processes in it would be frozen too."""
    host.start(*COUNTER, cgroups="disabled")
    with pytest.raises(HostLacks, match="no cgroup that can be frozen"):
        do(pausing.pause)
    assert host.inspect()["State"]["Status"] == "running"
    with pytest.raises(HostLacks), host.open(read_only=True) as engine:
        converge(engine, Request("box", "paused"), exit_command)


def test_what_the_runtime_refuses_changes_nothing(host, do, monkeypatch):
    """If the runtime fails, the container keeps running, and its record is unchanged."""

    def fail(*_arguments):
        raise RuntimeFailed("no")

    host.start(*COUNTER)
    before = host.record()
    monkeypatch.setattr(OciRuntime, "pause", fail)
    with pytest.raises(RuntimeFailed):
        do(pausing.pause)
    assert host.record() == before
    assert not freezer.is_frozen(pid(host))


@pytest.mark.parametrize("verb", ["pause", "unpause"])
@pytest.mark.parametrize("done", [False, True])
def test_killed_half_way(host, do, verb, done):
    """After a kill of the verb before or after the runtime acted, the kernel's state decides."""
    host.start(*COUNTER)
    if verb == "unpause":
        do(pausing.pause)
    with host.open() as engine:
        runtime = OciRuntime(host.record().runtime, host.runtime, host.layout.runtime_root)
        save(engine, host.record(), intent=verb)
        if done:
            {"pause": runtime.pause, "unpause": runtime.resume}[verb](host.record().id)
        with hold(engine, host.record().id, "look") as record:
            assert (record.status, record.intent) == (
                "paused" if (verb == "pause") == done else "running",
                "",
            )
    assert host.record().status == record.status


def test_thawed_by_another_hand(host, do):
    """The kernel's state prevails over a record that says paused."""
    host.start(*COUNTER)
    do(pausing.pause)
    OciRuntime(host.record().runtime, host.runtime, host.layout.runtime_root).resume(host.record().id)
    assert host.inspect()["State"]["Status"] == "running"
    do(pausing.pause)
    assert freezer.is_frozen(pid(host))


def test_a_paused_container_is_stopped(host, do):
    """It gets its stop signal, and is thawed so that it can exit by itself."""
    host.start(*COUNTER)
    host.said("x")
    do(pausing.pause)
    record = do(stopping.stop, None)
    assert (record.status, record.exit_code) == ("exited", 7)
    assert host.log()[0].endswith("got TERM\n")
    assert host.mounts() == []


def test_a_paused_container_is_killed(host, do):
    """KILL works at once; another signal waits until the container is thawed."""
    host.start(*COUNTER)
    host.said("x")
    do(pausing.pause)
    do(killing.kill, signal.SIGTERM)
    assert host.inspect()["State"]["Status"] == "paused"
    assert "got TERM" not in host.log()[0]
    do(killing.kill, signal.SIGKILL)
    ended = host.ended()["State"]
    assert ended["ExitCode"] in (137, 7)


def test_a_paused_container_is_restarted(host, do, agent):
    """After a restart it runs, whatever its state before."""
    before = host.start(*COUNTER)["State"]["Pid"]
    do(pausing.pause)
    record = do(restart, agent)
    assert record.status == "running"
    assert record.process.pid != before


def test_start_of_a_paused_container_is_refused(host, do, agent):
    """It is not started a second time: the error says what to do."""
    host.start(*COUNTER)
    do(pausing.pause)
    process = host.record().process
    with pytest.raises(WrongState, match=r"box is paused .*Unpause it"):
        do(start_again, agent)
    assert Process(*process).alive()
    assert host.inspect()["State"]["Status"] == "paused"


def freeze_from_outside(host) -> None:
    """Freeze the container as an administrator or another program does, without the engine."""
    place = membership.directory(pid(host), "freezer")
    name, word = (
        ("freezer.state", "FROZEN") if os.path.exists(f"{place}/freezer.state") else ("cgroup.freeze", "1")
    )
    with open(f"{place}/{name}", "w", encoding="ascii") as stream:
        stream.write(word)
    eventually(lambda: freezer.is_frozen(pid(host)), "it is frozen")


def test_frozen_by_another(host, do):
    """A container that another program froze is reported as paused, and can be stopped and removed."""
    host.start(*COUNTER, stop_timeout=20)
    freeze_from_outside(host)
    assert host.inspect()["State"]["Status"] == "paused"
    assert "frozen by another program" in host.agent("explain", "box").stdout
    host.bring("box", "stopped")
    assert host.inspect()["State"]["ExitCode"] == 7
    host.want("started", *COUNTER, stop_timeout=20)
    freeze_from_outside(host)
    host.want("started", *COUNTER, stop_timeout=20)
    assert host.inspect()["State"]["Status"] == "running"
    freeze_from_outside(host)
    do(killing.kill, signal.SIGKILL)
    eventually(lambda: host.inspect()["State"]["Status"] == "exited", "it has ended")
    host.bring("box", "absent")
