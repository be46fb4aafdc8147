# SPDX-License-Identifier: GPL-3.0-or-later
"""Restart policies, carried out by the agent that conmon calls at each exit (seed: handleRestartPolicy)."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest

from _engine.kernel.process import Process, find_by_argument
from _engine.lifecycle.container.restart_policy import attempt
from _engine.lifecycle.core.waiter import is_listened_to
from enginehost import eventually

#: Counts its runs in a volume, and keeps running from the third on.
THIRD_TIME_LUCKY = ("sh", "-c", "echo x >> /runs/log; [ $(wc -l < /runs/log) -lt 3 ] && exit 3; sleep 1000")
#: Fails at once, every time.
FAILS = ("sh", "-c", "echo x >> /runs/log; exit 3")


def runs(host) -> int:
    """Return how often the container's command ran."""
    log = host.data("runs") / "log"
    return len(log.read_text().splitlines()) if log.exists() else 0


def kill(host, signum=signal.SIGKILL) -> None:
    """Kill the container's process from outside, as a crash does."""
    state = host.inspect()["State"]
    process = Process(state["Pid"], host.record().process.start_time)
    process.signal(signum)
    assert process.wait_gone(10)


def waiting(host) -> bool:
    """Return whether the container has exited and a process waits to restart it."""
    record = host.record()
    ended = record.restart_at is not None and record.status == "exited"
    return ended and is_listened_to(host.layout.container(record.id))


def crash_looping(host, **options):
    """Start a container that fails until its next restart is seconds away."""
    host.start(*FAILS, restart_policy="always", volume=["runs:/runs"], **options)
    eventually(lambda: host.record().crashes >= 6 and waiting(host), "a long wait", timeout=60)


@pytest.mark.parametrize("policy", ["on-failure", "on-failure:5", "always", "unless-stopped"])
def test_restarted_after_its_end(host, policy):
    """A container that fails is restarted with increasing delays, and its restarts are counted."""
    host.start(*THIRD_TIME_LUCKY, restart_policy=policy, volume=["runs:/runs"])
    eventually(lambda: host.inspect()["RestartCount"] == 2, "restarted twice")
    eventually(lambda: runs(host) == 3 and host.inspect()["State"]["Status"] == "running", "running")
    record = host.record()
    assert (record.restart_at, record.crashes, record.stopped_by_user) == (None, 2, False)


def test_killed_container_is_restarted(host):
    """A container whose process is killed from outside is restarted, with its volume and a new process."""
    before = host.start("sleep", "1000", restart_policy="always")["State"]["Pid"]
    kill(host)
    eventually(lambda: host.inspect()["State"]["Status"] == "running", "runs again")
    assert host.inspect()["State"]["Pid"] != before
    assert host.inspect()["RestartCount"] == 1


def test_end_that_nobody_saw_is_restarted_by_the_next_call(host):
    """Without conmon the exit is not observed; a task that asks for a started container starts it."""
    state = host.start("sleep", "1000", restart_policy="always")["State"]
    monitor = Process.of(state["ConmonPid"])
    monitor.signal(signal.SIGKILL)
    assert monitor.wait_gone(10)
    kill(host)
    assert host.bring("box", "started").actions == ("started box",)


@pytest.mark.parametrize(("policy", "code"), [("no", 3), ("on-failure", 0)])
def test_not_restarted(host, policy, code):
    """A container with another policy, or none, stays exited."""
    host.start("sh", "-c", f"echo x >> /runs/log; exit {code}", restart_policy=policy, volume=["runs:/runs"])
    assert host.ended()["State"]["ExitCode"] == code
    eventually(lambda: host.processes() == [], "the agent has gone")
    assert (runs(host), host.record().restart_at) == (1, None)


def test_on_failure_gives_up_after_its_count(host):
    """on-failure:2 restarts twice; then the container stays exited, and its last exit code is reported."""
    host.start(*FAILS, restart_policy="on-failure:2", volume=["runs:/runs"])
    eventually(lambda: runs(host) == 3, "three runs")
    shape = host.ended()
    eventually(lambda: host.processes() == [], "the agent has gone")
    assert (runs(host), shape["RestartCount"], shape["State"]["ExitCode"]) == (3, 2, 3)
    # A start by the user resets the count.
    host.bring("box", "started")
    eventually(lambda: runs(host) == 6, "three more runs")


@pytest.mark.parametrize("policy", ["always", "unless-stopped"])
def test_user_stop_is_a_wish(host, policy):
    """A container stopped by its user is not restarted; a start by the user resets that mark."""
    host.start("sleep", "1000", restart_policy=policy)
    host.bring("box", "stopped", stop_time=0)
    eventually(lambda: host.processes() == [], "the agent has gone")
    assert host.inspect()["State"]["Status"] == "exited"
    assert host.record().stopped_by_user
    host.bring("box", "started")
    kill(host)
    eventually(lambda: host.inspect()["RestartCount"] == 1, "restarted")


def test_stop_while_it_waits(host):
    """A stop cancels a pending restart, and the waiting process exits; the stop is reported as a change."""
    crash_looping(host)
    assert host.bring("box", "stopped").actions == ("stopped box",)
    record = host.record()
    assert (record.restart_at, record.stopped_by_user) == (None, True)
    eventually(lambda: host.processes() == [], "nobody waits", timeout=2)
    assert host.bring("box", "stopped").actions == ()


def test_removal_while_it_waits(host):
    """A removal does so as well, and leaves nothing."""
    crash_looping(host)
    assert host.bring("box", "absent").actions == ("removed box",)
    eventually(lambda: host.processes() == [], "nobody waits", timeout=2)


def test_start_while_it_waits(host):
    """A start by the user happens at once, without waiting, and resets the count."""
    crash_looping(host)
    before = runs(host)
    host.bring("box", "started")
    eventually(lambda: runs(host) > before, "runs", timeout=2)
    assert host.record().crashes < 3


def test_policy_changes_live(host):
    """The policy can be changed live, and the new one applies at the next exit."""
    first = host.start("sleep", "1000", restart_policy="always")
    outcome = host.want("started", "sleep", "1000", restart_policy="no")
    assert outcome.actions == ("updated box",)
    assert host.inspect()["State"]["Pid"] == first["State"]["Pid"]
    assert host.inspect()["HostConfig"]["RestartPolicy"] == {"Name": "", "MaximumRetryCount": 0}
    kill(host)
    host.ended()
    eventually(lambda: host.processes() == [], "the agent has gone")
    assert host.inspect()["State"]["Status"] == "exited"


def test_restart_that_fails_is_tried_again(host):
    """A restart that fails is retried later, reports why, and succeeds once the cause is gone."""
    host.start(*FAILS, restart_policy="always", volume=["runs:/runs"])
    layers = Path(host.layout.layers)
    parked = layers.with_name("parked")
    layers.rename(parked)
    try:
        eventually(lambda: host.record().error and waiting(host), "a restart failed")
        assert host.mounts() == []
    finally:
        layers.rmdir()  # created by each process that opens the engine
        parked.rename(layers)
    before = runs(host)
    eventually(lambda: runs(host) > before, "runs again", timeout=60)


def test_killed_while_it_waits(host):
    """If the waiting process is killed, the next task finds the restart overdue and carries it out."""
    crash_looping(host)
    before = runs(host)
    for process in find_by_argument(host.record().id):
        process.signal(signal.SIGKILL)
        process.wait_gone(10)
    time.sleep(max(0.0, (host.record().restart_at - time.time_ns()) / 10**9) + 2.1)
    assert runs(host) == before
    host.start("true", name="other")
    eventually(lambda: runs(host) > before, "restarted")


def test_nobody_restarts_twice(host):
    """Two processes for the same restart start one container; one that comes too early gets the due time."""
    crash_looping(host)
    record = host.record()
    with host.open() as engine:
        assert attempt(engine, record.id, ("/bin/true",)) == record.restart_at
        assert host.record() == record
    # conmon would call the agent a second time if it were called manually.
    subprocess.run([host.layout.agent_program, "cleanup", record.id], check=True, timeout=10)
    assert host.record() == record


def test_removed_when_the_policy_gives_up(host):
    """With rm, a container with on-failure is removed after its last run, not before."""
    host.start(*FAILS, restart_policy="on-failure:1", rm=True, volume=["runs:/runs"])
    eventually(lambda: host.inspect() == {}, "removed")
    assert runs(host) == 2


def test_foreground_waits_for_the_last_run(host):
    """A task that runs a container in the foreground returns the code of the last run under its policy."""
    outcome = host.want("started", *FAILS, detach=False, restart_policy="on-failure:2", volume=["runs:/runs"])
    assert (outcome.result["rc"], runs(host)) == (3, 3)
    assert outcome.result["container"]["RestartCount"] == 2


def test_events_of_a_restart(host):
    """An exit and a restart are recorded, in order."""
    host.start("sleep", "1000", restart_policy="always")
    kill(host)
    eventually(lambda: host.inspect()["RestartCount"] == 1, "restarted")
    eventually(lambda: host.events()[-1] == "start", "told")
    assert host.events()[-7:] == "died unmount cleanup mount init restart start".split()


def test_agent_leaves_no_lock_while_it_waits(host):
    """While a restart is pending, the container can be read and locked."""
    crash_looping(host)
    begin = time.monotonic()
    with host.open() as engine, engine.lock_container(host.record().id, "test"):
        assert waiting(host)
    assert time.monotonic() - begin < 1
