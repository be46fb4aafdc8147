# SPDX-License-Identifier: GPL-3.0-or-later
"""Health checks on the real kernel: their results, their actions, and the process that runs them."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import time

import pytest

from _engine.kernel.process import Process
from enginehost import eventually

FOREVER = ("sleep", "1000")
#: Healthy while the file exists.
BY_FILE = {"healthcheck": "test -e /ok", "healthcheck_interval": "100ms"}


def health(host, name: str = "box") -> dict:
    """Return the container's health from inspect."""
    return host.inspect(name)["State"]["Health"]


def becomes(host, status: str, name: str = "box") -> dict:
    """Wait until the health has this status, and return it."""
    eventually(lambda: health(host, name)["Status"] == status, f"{name} is {status}: {health(host, name)}")
    return health(host, name)


def checkers(host) -> list[int]:
    """Return the PIDs of this engine's health checkers."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/cmdline", "rb") as stream:
                words = stream.read().split(b"\0")
        except OSError:
            continue
        if os.fsencode(f"{host.layout.agent}/current/slipway") in words and b"health" in words:
            found.append(int(name))
    return sorted(found)


def run(host, *command: str) -> subprocess.CompletedProcess[str]:
    """Run the agent."""
    program = f"{host.layout.agent}/current/slipway"
    return subprocess.run([program, *command], check=False, capture_output=True, text=True)


def test_healthy_unhealthy_and_healthy_again(host):
    """Consecutive failures make a container unhealthy, a success healthy; results and events are recorded."""
    host.start(*FOREVER, **BY_FILE, healthcheck_retries=2)
    assert becomes(host, "unhealthy")["FailingStreak"] >= 2
    assert run(host, "exec", "box", "touch", "/ok").returncode == 0
    told = becomes(host, "healthy")
    assert told["FailingStreak"] == 0
    assert 1 <= len(told["Log"]) <= 5
    assert {result["ExitCode"] for result in told["Log"]} <= {0, 1}
    assert "health_status" in run(host, "events").stdout
    assert host.inspect()["ExecIDs"] == []


def test_output_is_kept(host):
    """A check's output is in its result; the order of its two streams is undefined."""
    host.start(*FOREVER, healthcheck="echo all is $((1+1)) well; echo oh >&2", healthcheck_interval="100ms")
    assert sorted(becomes(host, "healthy")["Log"][-1]["Output"].splitlines()) == ["all is 2 well", "oh"]


def test_runtime_that_ends_after_the_command(host, runtime, tmp_path):
    """A check whose command exits before the runtime has its own exit code, and the checker keeps running."""
    slow = tmp_path / "slow"
    slow.write_text(
        f'#!/bin/sh\n{runtime} "$@"; code=$?\nfor word; do [ "$word" = exec ] && sleep 0.2; done\nexit $code\n'
    )
    slow.chmod(0o755)
    host.start(*FOREVER, runtime=str(slow), healthcheck="exit 3", healthcheck_interval="100ms")
    eventually(lambda: health(host)["Log"], "a check")
    eventually(lambda: len(checkers(host)) == 2, "two processes that stay, and none that becomes a check")
    before = checkers(host)
    eventually(lambda: len(health(host)["Log"] or ()) >= 4, "checks")
    assert {result["ExitCode"] for result in health(host)["Log"]} == {3}
    assert set(before) <= set(checkers(host))


def test_start_period(host):
    """Failures within the start period do not count."""
    host.start(*FOREVER, **BY_FILE, healthcheck_retries=1, healthcheck_start_period="1h")
    eventually(lambda: len(health(host)["Log"] or ()) >= 3, "three checks")
    assert (health(host)["Status"], health(host)["FailingStreak"]) == ("starting", 0)


def test_timeout_kills_the_check(host):
    """A check that times out is killed with its children, and counts as failed."""
    options = {"healthcheck_interval": "100ms", "healthcheck_timeout": "300ms", "healthcheck_retries": 1}
    host.start(*FOREVER, healthcheck="sleep 4721 & sleep 4722", **options)
    assert "after 0.3 s" in becomes(host, "unhealthy")["Log"][-1]["Output"]
    host.bring("box", "stopped", stop_time=0)
    left = [pid for pid in os.listdir("/proc") if pid.isdigit() and _words(pid)[:1] == [b"sleep"]]
    assert [pid for pid in left if _words(pid)[1:2] in ([b"4721"], [b"4722"])] == []


def test_what_a_check_leaves_in_the_background_is_not_waited_for(host):
    """The check's exit counts, although a child keeps its output open."""
    host.start(*FOREVER, healthcheck="sleep 4720 & echo well", healthcheck_interval="100ms")
    assert becomes(host, "healthy")["Log"][-1]["Output"] == "well\n"


def test_check_that_never_stops_talking(host):
    """A check that writes endlessly is killed at its timeout, and does not delay other containers' checks."""
    options = {"healthcheck_interval": "100ms", "healthcheck_timeout": "500ms", "healthcheck_retries": 1}
    host.start(*FOREVER, healthcheck="yes", **options)
    host.start(*FOREVER, name="other", healthcheck="true", healthcheck_interval="100ms")
    becomes(host, "healthy", "other")
    assert "after 0.5 s" in becomes(host, "unhealthy")["Log"][-1]["Output"]


def _words(pid: str) -> list[bytes]:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as stream:
            return stream.read().split(b"\0")
    except OSError:
        return []


def test_check_that_is_not_there(host):
    """A check whose program the image lacks fails, and its output names the program."""
    host.start(*FOREVER, healthcheck=["/nowhere", "x"], healthcheck_interval="100ms", healthcheck_retries=1)
    last = becomes(host, "unhealthy")["Log"][-1]
    assert last["ExitCode"] == 127
    assert "nowhere" in last["Output"]


def test_check_of_the_image_and_none(host, built, busybox):
    """The image's check is used unless the spec sets none."""
    image = built("localhost/checked:1", busybox, Healthcheck={"Test": ["CMD", "true"], "Interval": 10**8})
    host.start(*FOREVER, image=image)
    becomes(host, "healthy")
    assert host.inspect()["Config"]["Healthcheck"]["Test"] == ["CMD", "true"]
    host.start(*FOREVER, image=image, healthcheck="none")
    assert health(host)["Status"] == ""


def test_startup_check_comes_first(host):
    """The regular check starts when the start-up check has succeeded."""
    startup = {"health_startup_cmd": "test -e /up", "health_startup_interval": "100ms"}
    host.start(*FOREVER, healthcheck="true", healthcheck_interval="100ms", **startup)
    eventually(lambda: len(health(host)["Log"] or ()) >= 2, "two checks")
    assert health(host)["Status"] == "starting"
    run(host, "exec", "box", "touch", "/up")
    becomes(host, "healthy")


def test_startup_check_restarts(host):
    """Too many failures of the start-up check restart the container."""
    startup = {"health_startup_cmd": "false", "health_startup_interval": "100ms", "health_startup_retries": 2}
    before = host.start(*FOREVER, healthcheck="true", stop_timeout=0, **startup)["State"]["Pid"]
    eventually(lambda: host.inspect()["State"]["Pid"] not in (0, before), "another process")


@pytest.mark.parametrize(
    ("action", "policy", "after"), [("kill", "no", 137), ("stop", "always", 137), ("kill", "always", None)]
)
def test_action(host, action, policy, after):
    """An unhealthy container is killed, after which its restart policy decides, or stopped permanently."""
    host.start(
        *FOREVER,
        healthcheck="false",
        healthcheck_interval="100ms",
        healthcheck_retries=1,
        healthcheck_failure_action=action,
        restart_policy=policy,
        stop_timeout=0,
    )
    if after is None:
        eventually(lambda: host.inspect()["RestartCount"] >= 1, "a restart")
        host.bring("box", "stopped", stop_time=0)
    else:
        assert host.ended()["State"]["ExitCode"] == after
        assert host.inspect()["RestartCount"] == 0


def test_action_restart(host):
    """An unhealthy container is restarted."""
    options = {"healthcheck_interval": "100ms", "healthcheck_retries": 1, "stop_timeout": 0}
    before = host.start(*FOREVER, healthcheck="false", healthcheck_failure_action="restart", **options)
    eventually(lambda: host.inspect()["State"]["Pid"] not in (0, before["State"]["Pid"]), "another process")


def test_restarted_once(host):
    """Checks that fail while a restart waits for the exit do not restart the next run, which is healthy."""
    # /dev/shm is emptied with the run.
    options = {
        "healthcheck": "test ! -e /dev/shm/bad",
        "healthcheck_interval": "100ms",
        "healthcheck_retries": 1,
    }
    options.update(stop_timeout=3, healthcheck_failure_action="restart")
    earlier = host.events().count("restart")  # those of other tests' containers
    before = host.start("sh", "-c", "trap '' TERM; while :; do sleep 1; done", **options)["State"]["Pid"]
    becomes(host, "healthy")
    assert run(host, "exec", "box", "touch", "/dev/shm/bad").returncode == 0
    eventually(lambda: host.inspect()["State"]["Pid"] not in (0, before), "another process")
    becomes(host, "healthy")
    eventually(lambda: len(checkers(host)) == 2, "no action is left")
    assert host.events().count("restart") == earlier + 1


def test_one_process_for_all_and_gone_when_nothing_needs_it(host):
    """One pair of processes runs the checks of all containers, and exits with the last."""
    for number in range(5):
        host.start(*FOREVER, name=f"box{number}", healthcheck="true", healthcheck_interval="200ms")
    for number in range(5):
        becomes(host, "healthy", f"box{number}")
    assert stat.S_IMODE(os.stat(host.layout.health_socket).st_mode) == 0o600
    # The checker and its guard; a check is a third process until it executes the runtime.
    eventually(lambda: len(checkers(host)) == 2, "one pair")
    for number in range(5):
        host.bring(f"box{number}", "absent", stop_time=0)
    eventually(lambda: not checkers(host), "no checker")
    assert not os.path.exists(host.layout.health_socket)


@pytest.mark.parametrize("which", ["first", "second", "both"])
def test_killed_checker_comes_back(host, which):
    """A killed checker is started again, by its other process or by the next task, even an unchanged one."""
    options = {"healthcheck": "date +%N || true", "healthcheck_interval": "100ms"}
    host.start(*FOREVER, **options)
    becomes(host, "healthy")
    victims = eventually(lambda: len(found := checkers(host)) == 2 and found, "one pair")
    for pid in {"first": victims[:1], "second": victims[1:], "both": victims}[which]:
        os.kill(pid, signal.SIGKILL)
    if which == "both":
        # Wait also for a check that is about to execute the runtime: a process that exits, or starts, still has their socket
        # for a moment, and would receive the task's message in their place.
        eventually(lambda: not checkers(host) and not any(map(Process.of, victims)), "both are gone")
        assert not host.want("started", *FOREVER, **options).changed
    seen = health(host)["Log"][-1]["End"]
    eventually(lambda: health(host)["Log"][-1]["End"] > seen, "a later check")


def test_check_of_a_killed_checker_ends(host):
    """A check whose checker was killed is killed by the next checker, which starts a new check."""
    options = {"healthcheck_interval": "100ms", "healthcheck_timeout": "1h", "stop_timeout": 0}
    host.start(*FOREVER, healthcheck=["sleep", "4731"], **options)

    def checks() -> list[str]:
        return [
            pid for pid in os.listdir("/proc") if pid.isdigit() and _words(pid)[:2] == [b"sleep", b"4731"]
        ]

    first = eventually(checks, "a check runs")
    os.kill(checkers(host)[-1], signal.SIGKILL)
    eventually(lambda: len(found := checks()) == 1 and found != first, "another check, alone")


def test_paused_container_is_not_checked(host):
    """A paused container is not checked; checks continue after unpause."""
    host.start(*FOREVER, healthcheck="true", healthcheck_interval="100ms")
    becomes(host, "healthy")
    host.bring("box", "paused")
    time.sleep(0.3)
    seen = health(host)["Log"][-1]["End"]
    time.sleep(0.6)
    assert health(host)["Log"][-1]["End"] == seen
    host.bring("box", "started")
    eventually(lambda: health(host)["Log"][-1]["End"] > seen, "a later check")


def test_changed_check_holds_without_a_restart(host):
    """A changed check takes effect without a restart; a removed check stops the checker."""
    pid = host.start(*FOREVER, healthcheck="true", healthcheck_interval="1h")["State"]["Pid"]
    becomes(host, "healthy")
    host.want("started", *FOREVER, healthcheck="false", healthcheck_interval="100ms", healthcheck_retries=1)
    becomes(host, "unhealthy")
    host.want("started", *FOREVER, healthcheck="none")
    assert health(host)["Status"] == ""
    eventually(lambda: not checkers(host), "no checker")
    assert host.inspect()["State"]["Pid"] == pid


def test_check_by_hand(host):
    """``slipway healthcheck run`` runs the check now, and its exit code reports the result."""
    host.start(*FOREVER, healthcheck="test -e /ok", healthcheck_interval="disable", healthcheck_retries=1)
    assert not checkers(host)
    done = run(host, "healthcheck", "run", "box")
    assert (done.returncode, done.stdout.strip()) == (1, "unhealthy")
    run(host, "exec", "box", "touch", "/ok")
    done = run(host, "healthcheck", "run", "box")
    assert (done.returncode, done.stdout.strip()) == (0, "healthy")
    assert "(healthy)" in run(host, "ps").stdout
    host.start(*FOREVER, name="plain")
    assert run(host, "healthcheck", "run", "plain").returncode == 125


def test_container_that_goes_while_its_check_runs(host):
    """A container can be removed while its check runs, and nothing of the check remains."""
    host.start(*FOREVER, healthcheck="sleep 4723", healthcheck_interval="100ms")
    eventually(lambda: any(_words(pid)[1:2] == [b"4723"] for pid in os.listdir("/proc")), "a check runs")
    host.bring("box", "absent", stop_time=0)
    eventually(lambda: not checkers(host), "no checker")


def test_checker_is_one_process_when_two_are_started(host):
    """A second checker exits at once, because the first receives its message."""
    host.start(*FOREVER, healthcheck="true", healthcheck_interval="100ms")
    becomes(host, "healthy")
    assert run(host, "health").returncode == 0
    eventually(lambda: len(checkers(host)) == 2, "one pair")
    assert all(Process.of(pid) for pid in checkers(host))
