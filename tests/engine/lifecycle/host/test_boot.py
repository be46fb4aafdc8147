# SPDX-License-Identifier: GPL-3.0-or-later
"""Reboots, power losses and shutdowns: the records afterwards, and what the engine starts (seed: refresh)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from powercut import another_boot, end_processes, lose_run_root, reboot

from _engine.frozen import replace
from _engine.kernel.process import Process
from _engine.model.container.status import RUNNING
from _engine.model.engine.record import ProcessId
from _engine.runtime.logs import read
from _engine.state import containers
from enginehost import eventually

SLEEP = ("sleep", "1000")


def states(host) -> dict[str, str]:
    """Return the state of every container by name."""
    told = json.loads(host.agent("ps", "--all", "--json").stdout)
    return {shape["Name"]: shape["State"]["Status"] for shape in told}


def everyone(host) -> None:
    """Create containers of every restart policy and last request."""
    for policy in ("no", "on-failure", "always", "unless-stopped"):
        host.start(*SLEEP, name=f"{policy}-running", restart_policy=policy)
        host.start(*SLEEP, name=f"{policy}-stopped", restart_policy=policy)
        host.bring(f"{policy}-stopped", "stopped", stop_time=0)
    host.want("created", *SLEEP, name="never", restart_policy="always")
    host.start("sh", "-c", "exit 3", name="ended")
    host.ended("ended")


EXPECTED = {
    "no-running": "created",
    "no-stopped": "exited",
    "on-failure-running": "running",
    "on-failure-stopped": "exited",
    "always-running": "running",
    "always-stopped": "exited",
    "unless-stopped-running": "running",
    "unless-stopped-stopped": "exited",
    "never": "created",
    "ended": "exited",
}


def test_boot_after_a_power_cut(host):
    """A boot starts containers by policy and last request, not those that were stopped or never started."""
    everyone(host)
    reboot(host)
    told = host.agent("boot")
    assert (told.returncode, told.stderr) == (0, "")
    running = {name for name, state in EXPECTED.items() if state == "running"}
    assert {line.removeprefix("started ") for line in told.stdout.splitlines()} == running
    assert states(host) == EXPECTED
    # Once more: everything that should run is running.
    again = host.agent("boot")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


def test_boot_after_a_stop_of_the_host(host):
    """A shutdown stops all containers and records their exits, but no request to stop."""
    everyone(host)
    reboot(host, power_cut=False)
    ended = {
        name: "exited" if state != "created" or name == "no-running" else state
        for name, state in EXPECTED.items()
    }
    assert states(host) == ended
    assert host.agent("boot").returncode == 0
    assert states(host) == {**EXPECTED, "no-running": "exited"}


def test_refresh_resets_what_is_volatile(host):
    """The first call after a reboot resets the state of the boot: process, counts, intents, run files."""
    host.start(*SLEEP, restart_policy="always")
    process = Process(*host.record().process)
    process.signal(signal.SIGKILL)
    eventually(lambda: host.inspect()["RestartCount"] == 1 and host.record().process, "restarted")
    host.want("started", *SLEEP, name="other")
    host.bring("other", "stopped", stop_time=0)
    before = host.record("other")
    reboot(host)
    assert host.inspect()["State"]["Status"] == "created"
    with host.open():
        pass
    record = host.record()
    assert (record.status, record.process, record.monitor, record.intent) == ("configured", None, None, "")
    assert (record.restart_count, record.crashes, record.restart_at) == (0, 0, None)
    assert (record.exit_code, record.finished, record.interrupted) == (None, None, True)
    # An observed exit stays recorded, and so does the last request.
    assert host.record("other") == before
    assert os.listdir(host.layout.run_containers) == os.listdir(host.layout.exits) == []


def test_check_mode_foresees_the_refresh(host):
    """Readers and check mode show the state after the next refresh, and change nothing."""
    host.start(*SLEEP)
    host.start(*SLEEP, name="gone", rm=True)
    reboot(host)
    before = host.picture()
    assert host.inspect()["State"]["Status"] == "created"
    assert host.inspect("gone") == {}
    predicted = host.want("started", *SLEEP, settings={"read_only": True}).actions
    assert host.picture() == before
    assert not os.path.exists(host.layout.run_root)
    assert host.want("started", *SLEEP).actions == predicted == ("started box",)


def test_temporary_containers_go_with_the_boot(host):
    """A reboot removes a container with rm and its anonymous volume, unless it never ran."""
    host.start(*SLEEP, rm=True, volume=["/anonymous", "kept:/kept"])
    host.want("created", *SLEEP, name="new", rm=True)
    reboot(host)
    with host.open():
        pass
    assert host.inspect() == {}
    assert host.inspect("new")["State"]["Status"] == "created"
    assert host.volumes() == ["kept"]


def test_lost_run_root(host):
    """If the run root is deleted, living containers run on, are found, and can be stopped and started."""
    state = host.start(*SLEEP)["State"]
    lose_run_root(host)
    found = host.inspect()["State"]
    assert (found["Status"], found["Pid"]) == ("running", state["Pid"])
    assert host.want("started", *SLEEP).actions == ()
    assert host.bring("box", "stopped", stop_time=0).actions == ("stopped box",)
    assert host.mounts() == []
    host.bring("box", "started")
    assert host.inspect()["State"]["Status"] == "running"


def test_lost_run_root_of_what_has_ended(host):
    """Containers that have exited meanwhile are cleaned up: mounts, cgroup, record of the process."""
    host.start(*SLEEP)
    end_processes(host)
    lose_run_root(host)
    assert host.mounts() != []
    with host.open():
        pass
    assert host.mounts() == host.processes() == []
    assert host.record().status == "configured"
    assert host.want("started", *SLEEP).actions == ("started box",)


def test_a_pid_of_an_earlier_boot_means_nothing(host):
    """After a reboot a process with a record's pid and start time is a different one."""
    host.want("created", *SLEEP)
    with subprocess.Popen(["sleep", "1000"]) as other:
        try:
            seen = Process.of(other.pid)
            held = ProcessId(seen.pid, seen.start_time)
            with host.database() as database, database.transaction() as connection:
                record = replace(host.record(), status=RUNNING, process=held, started=time.time_ns())
                containers.update(connection, record)
            assert host.record().process == held
            another_boot(host)
            assert host.inspect()["State"]["Status"] == "created"
        finally:
            other.kill()


def test_refresh_happens_once(host):
    """Many concurrent calls after a reboot refresh once; all wait for that."""
    host.start(*SLEEP)
    reboot(host)
    with host.open() as first:
        marker = Path(first.layout.boot_marker)
        seen = marker.stat().st_ino
        with host.open():
            assert marker.stat().st_ino == seen
    assert marker.stat().st_mode & 0o777 == 0o600


def test_boot_goes_on_through_errors(host):
    """A container that can't be started is reported with the reason, the others start; exit code 1."""
    host.start(*SLEEP, name="a", restart_policy="always")
    host.start(*SLEEP, name="c", restart_policy="always")
    reboot(host)
    diff = Path(host.layout.containers, host.record("a").id)
    diff.rename(diff.with_name("parked"))
    Path(diff).write_text("in the way")
    try:
        told = host.agent("boot")
    finally:
        Path(diff).unlink()
        diff.with_name("parked").rename(diff)
    assert told.returncode == 1
    assert told.stdout == "started c\n"
    assert told.stderr.startswith("slipway: could not start a: ")
    assert "boot" in [event["Status"] for event in _events(host)]


def _events(host) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(host.agent("events", "--json").stdout)
    return found


def test_shutdown_uses_each_containers_own_signal_and_time(host):
    """Each container gets its own stop signal; all stop in parallel."""
    script = 'trap "echo got it; exit 7" USR1; echo ready; while :; do sleep 0.05; done'
    host.start("sh", "-c", script, name="polite", stop_signal="USR1", restart_policy="always")
    for number in range(4):
        host.start(*SLEEP, name=f"stubborn{number}", stop_timeout=2, restart_policy="on-failure")
    eventually(lambda: "ready" in host.log("polite")[0], "ready")
    begin = time.monotonic()
    told = host.agent("shutdown")
    taken = time.monotonic() - begin
    assert (told.returncode, told.stderr) == (0, "")
    assert 2 <= taken < 8
    record = host.record("polite")
    assert (record.status, record.exit_code, record.stopped_by_user) == ("exited", 7, False)
    assert (record.interrupted, record.restart_at) == (True, None)
    lines = [line.text for line in read(host.inspect("polite")["HostConfig"]["LogConfig"]["Path"])]
    assert lines == ["ready", "got it"]
    assert host.record("stubborn0").exit_code == 137
    eventually(lambda: host.processes() == [], "nobody restarts anything")
    assert host.agent("boot").returncode == 0
    assert set(states(host).values()) == {"running"}


def test_nothing_is_restarted_during_a_shutdown(host):
    """A shutdown cancels a pending restart, and the next boot starts that container."""
    host.start("sh", "-c", "exit 1", restart_policy="always")
    eventually(lambda: host.record().crashes >= 5, "a long wait")
    assert host.agent("shutdown").returncode == 0
    eventually(lambda: host.processes() == [], "nobody waits")
    record = host.record()
    assert (record.restart_at, record.interrupted, record.stopped_by_user) == (None, True, False)
    assert host.agent("boot").stdout == "started box\n"


def test_stop_before_the_boot_is_a_wish(host):
    """A container that is stopped after a reboot and before its start is not started."""
    host.start(*SLEEP, restart_policy="always")
    reboot(host)
    assert host.bring("box", "stopped").actions == ("stopped box",)
    assert host.bring("box", "stopped").actions == ()
    assert host.agent("boot").stdout == ""


@pytest.mark.parametrize("verb", ["boot", "shutdown"])
def test_nothing_to_do(host, verb):
    """Without containers boot and shutdown do nothing and print nothing."""
    told = host.agent(verb)
    assert (told.returncode, told.stdout, told.stderr) == (0, "", "")
