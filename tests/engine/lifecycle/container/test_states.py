# SPDX-License-Identifier: GPL-3.0-or-later
"""The states paused, restarted and healthy; and the report of a container that fails."""

from __future__ import annotations

import threading
import time

import pytest

from _engine.errors import RuntimeFailed
from _engine.kernel.cgroup import freezer
from _engine.lifecycle.exec.exec import execute
from _engine.model.container.execution import ExecSpec
from enginehost import eventually, failing_hook

SLEEP = ("sleep", "1000")
CHECK = {"read_only": True}


@pytest.mark.parametrize("before", ["absent", "created", "started", "stopped"])
def test_paused(host, before):
    """From any state the container gets paused; check mode predicts it; a second run changes nothing."""
    if before != "absent":
        host.want(before, *SLEEP)
    predicted = host.want("paused", *SLEEP, settings=CHECK).actions
    outcome = host.want("paused", *SLEEP)
    assert outcome.actions == predicted
    assert outcome.actions[-1] == "paused box"
    assert outcome.result["container"]["State"]["Status"] == "paused"
    assert freezer.is_frozen(host.record().process.pid)
    assert host.want("paused", *SLEEP).actions == ()
    assert host.bring("box", "paused").actions == ()


def test_started_lets_it_go_on(host):
    """State started unpauses a container without a restart; present leaves it paused."""
    pid = host.want("paused", *SLEEP).result["container"]["State"]["Pid"]
    assert host.want("present", *SLEEP).actions == ()
    assert host.want("started", *SLEEP, settings=CHECK).actions == ("unpaused box",)
    assert host.inspect()["State"]["Status"] == "paused"
    assert host.want("started", *SLEEP).actions == ("unpaused box",)
    state = host.inspect()["State"]
    assert (state["Status"], state["Pid"]) == ("running", pid)


def test_a_paused_container_is_made_anew(host):
    """A change that needs a new container is carried out, and the new one is paused as well."""
    host.want("paused", *SLEEP)
    outcome = host.want("paused", *SLEEP, env={"A": "1"}, stop_time=0)
    assert outcome.actions == ("stopped box", "removed box", "created box", "started box", "paused box")
    assert freezer.is_frozen(host.record().process.pid)
    assert host.bring("box", "absent", stop_time=0).actions == ("stopped box", "removed box")


def test_restarted(host):
    """Each time another process, and always a change; an exited one is started; check mode does nothing."""
    first = host.want("restarted", *SLEEP)
    assert first.actions == ("created box", "started box")
    assert host.want("restarted", *SLEEP, settings=CHECK).actions == ("restarted box",)
    before = host.inspect()["State"]["Pid"]
    for _round in range(2):
        outcome = host.want("restarted", *SLEEP, stop_time=0)
        assert outcome.actions == ("restarted box",)
        after = outcome.result["container"]["State"]
        assert (after["Status"], after["Pid"] != before) == ("running", True)
        before = after["Pid"]
    host.bring("box", "stopped", stop_time=0)
    assert host.bring("box", "restarted").actions == ("started box",)


def test_healthy_without_a_check(host):
    """Without a health check, a container is healthy once it has run for a second; later there is no wait."""
    begin = time.monotonic()
    outcome = host.want("healthy", *SLEEP)
    assert (outcome.actions, outcome.failure) == (("created box", "started box"), None)
    assert time.monotonic() - begin >= 1
    again = host.want("healthy", *SLEEP)
    assert (again.actions, again.failure) == ((), None)


@pytest.mark.parametrize("how", [{"state": "healthy"}, {"state": "started", "wait": True}])
def test_a_container_that_ends_at_once(host, how):
    """Exit code and last lines are reported at once, in fields and in the text, with what was done."""
    asked = dict(how)
    state = asked.pop("state")
    script = "for i in $(seq 30); do echo line $i; done; echo no configuration >&2; exit 3"
    begin = time.monotonic()
    outcome = host.want(state, "sh", "-c", script, **asked)
    assert time.monotonic() - begin < 20
    failure = outcome.failure
    assert outcome.actions == ("created box", "started box")
    assert outcome.result["container"]["State"]["ExitCode"] == 3
    assert (failure.code, failure.fields["exit_code"], failure.fields["oom_killed"]) == (
        "container_failed",
        3,
        False,
    )
    assert (len(failure.fields["log"]), failure.fields["log"][-1]) == (20, "no configuration")
    assert "exit code 3" in str(failure)
    assert "line 30\nno configuration" in str(failure)
    assert failure.fields["health"] is None


def test_one_that_its_policy_starts_again(host):
    """An exit after which the restart policy restarts the container is no failure; the last one is."""
    command = ("sh", "-c", "echo >>/runs; [ $(wc -l </runs) -gt 2 ] && sleep 1000; exit 1")
    outcome = host.want("healthy", *command, restart_policy="always", stop_timeout=0)
    assert outcome.failure is None
    assert host.inspect()["RestartCount"] == 2
    failure = host.want("healthy", "sh", "-c", "exit 4", restart_policy="on-failure:1").failure
    assert failure.fields["exit_code"] == 4


def test_a_container_without_memory(host):
    """The error says that the kernel killed it because it ran out of memory."""
    outcome = host.want("healthy", "/bin/busybox", "tail", "/dev/zero", memory="16m", memory_swap="16m")
    assert (outcome.failure.fields["exit_code"], outcome.failure.fields["oom_killed"]) == (137, True)
    assert "memory" in str(outcome.failure)


def test_only_the_lines_of_this_run(host):
    """The log keeps earlier runs; the error only has lines of the failed one."""
    command = ("sh", "-c", "echo run >>/runs; echo run $(wc -l </runs); exit 1")
    host.want("healthy", *command)
    assert host.want("healthy", *command).failure.fields["log"] == ["run 2"]


#: Starting until the file has the exit code for the check.
CHECKED = {"healthcheck": "test -e /code && exit $(cat /code)", "healthcheck_interval": "100ms"}
CHECKED |= {"healthcheck_retries": 1, "healthcheck_start_period": "1h"}


def set_health(host, code):
    """Make the check exit with this code."""
    with host.open() as engine:
        execute(engine, "box", ExecSpec(("sh", "-c", f"echo {code} >/code")))


def converge_in_background(host, **request):
    """Converge the box to healthy in a thread; return the thread and the list that will have the outcome."""
    outcomes = []
    thread = threading.Thread(target=lambda: outcomes.append(host.bring("box", "healthy", **request)))
    thread.start()
    return thread, outcomes


def test_healthy_is_waited_for(host):
    """The task continues as soon as the check reports healthy, and is not delayed by starting."""
    host.start(*SLEEP, **CHECKED)
    thread, outcomes = converge_in_background(host)
    thread.join(1.5)
    assert thread.is_alive()
    set_health(host, 0)
    thread.join(30)
    assert (outcomes[0].actions, outcomes[0].failure) == ((), None)


def test_healthy_by_a_real_check(host):
    """The task continues once the check has passed, and fails with its output after too many failures."""
    command = ("sh", "-c", "sleep 1; touch /ok; sleep 1000")
    check = {"healthcheck": "test -e /ok", "healthcheck_interval": "500ms", "healthcheck_retries": 10}
    outcome = host.want("healthy", *command, **check)
    assert outcome.failure is None
    assert outcome.result["container"]["State"]["Health"]["Status"] == "healthy"
    failing = {**check, "healthcheck": "echo not yet; false", "healthcheck_retries": 2}
    failure = host.want("restarted", *command, **failing, wait=True, stop_time=0).failure
    assert "its last health check exited with 1: not yet" in str(failure)


def test_a_check_that_is_not_made_by_itself(host):
    """A check without an interval reports nothing by itself, so the task waits until the container runs."""
    outcome = host.want("healthy", *SLEEP, healthcheck="true", healthcheck_interval="disable")
    assert outcome.failure is None


def test_unhealthy_fails_with_the_check_s_words(host):
    """An unhealthy container fails the task with the check's output."""
    check = {**CHECKED, "healthcheck": "echo no answer on port 80; exit 7", "healthcheck_start_period": "0s"}
    host.start(*SLEEP, **check)
    failure = host.bring("box", "healthy").failure
    assert "is unhealthy" in str(failure)
    assert "no answer on port 80" in str(failure)
    assert failure.fields["health"]["Log"][0]["ExitCode"] == 7
    assert host.inspect()["State"]["Status"] == "running"


@pytest.mark.parametrize(("timeout", "ends"), [(0.3, True), (0, False)])
def test_the_time_is_over(host, timeout, ends):
    """A container still starting at the timeout fails the task; 0 means no timeout."""
    host.start(*SLEEP, **CHECKED)
    thread, outcomes = converge_in_background(host, wait_timeout=timeout)
    thread.join(30 if ends else 1)
    assert thread.is_alive() is not ends
    set_health(host, 0)
    thread.join(30)
    assert ("is not ready after 0.3 s" in str(outcomes[0].failure)) is ends


def test_a_start_that_the_runtime_refuses(host, tmp_path):
    """The error of a failed start has the runtime's message and the same fields; nothing is left of it."""
    with pytest.raises(RuntimeFailed) as caught:
        host.want("started", "true", hooks_dir=failing_hook(tmp_path))
    assert "hook" in str(caught.value)
    assert {"exit_code", "oom_killed", "health", "log"} <= set(caught.value.fields)
    assert host.mounts() == []
    eventually(lambda: host.processes() == [], "no process is left")
