# SPDX-License-Identifier: GPL-3.0-or-later
"""The sentences of explain."""

from __future__ import annotations

import pytest

from _engine.model.container.health import Health, Result
from _engine.model.engine.record import Event, ProcessId
from _engine.plan.explain import Scene, explain

SECOND = 10**9
NOW = 10_000 * SECOND
RAN = {"started": NOW - 400 * SECOND, "finished": NOW - 100 * SECOND}
LIVES = {"started": NOW - 7200 * SECOND, "process": ProcessId(47, 1), "monitor": ProcessId(46, 1)}
GONE = ["It had run for 5 minutes.", "Its restart policy no does not restart it."]


def happened(action, ago, **attributes):
    """Return an event of the container."""
    return Event(NOW - ago * SECOND, "container", action, "f" * 64, "web", attributes)


@pytest.fixture
def say(record):
    """Return a function that explains a container."""

    def say(status, options=None, scene=None, **fields):
        return explain(Scene(record(status, options, **fields), NOW, **(scene or {})))

    return say


def test_never_started(say):
    """A container that never ran is described by a single sentence."""
    assert say("configured") == ["web was created 2 hours ago and never started."]


def test_running(say):
    """A running container shows the time of its start."""
    assert say("running", **LIVES) == ["web is running, started 2 hours ago, PID 47."]


ENDS = [
    (0, "success"),
    (1, "its program failed"),
    (126, "its command cannot be executed"),
    (127, "its command was not found, as reported by a shell"),
    (137, "killed by SIGKILL, by another process or for lack of memory"),
    (139, "it crashed with SIGSEGV, an invalid memory access"),
    (143, "terminated by SIGTERM, as by a stop"),
    (129, "terminated by SIGHUP"),
]


@pytest.mark.parametrize(("code", "meaning"), ENDS)
def test_exit_codes_have_a_meaning(say, code, meaning):
    """An exit code is shown with its meaning."""
    assert say("exited", exit_code=code, **RAN) == [
        f"web exited 1 minute ago with exit status {code}: {meaning}.",
        *GONE,
    ]


def test_a_code_without_a_meaning(say):
    """A program's own exit code is shown without a meaning."""
    assert say("exited", exit_code=42, **RAN)[0] == "web exited 1 minute ago with exit status 42."


def test_an_unknown_code(say):
    """An unknown exit status is not shown as 0."""
    assert say("exited", **RAN)[0] == "web exited 1 minute ago with an unknown exit status."


def test_out_of_memory(say):
    """An OOM kill is shown with the limit, without further guesses."""
    assert say("exited", {"memory": "64m"}, exit_code=137, oom_killed=True, **RAN)[0] == (
        "web exited 1 minute ago with exit status 137: the kernel killed it for lack of memory; its limit is 64 MiB."
    )


def test_stopped_by_a_user(say):
    """A stop by a user overrides the restart policy."""
    assert say("exited", {"restart_policy": "always"}, exit_code=143, stopped_by_user=True, **RAN)[2:] == [
        "A user stopped it, so only a user starts it again."
    ]


def test_signal_sent_by_a_user(say):
    """A signal in the last run is shown, one in an earlier run is not."""
    found = say(
        "exited",
        scene={"events": (happened("kill", 500, signal="15"), happened("kill", 110, signal="9"))},
        **RAN,
    )
    assert found[2] == "A user sent it SIGKILL 1 minute ago."
    before = say("exited", scene={"events": (happened("kill", 500, signal="15"),)}, **RAN)
    assert before[1:] == GONE


def test_crash_loop(say):
    """The back-off is shown with the time, the reason and the number of attempts."""
    policy = {"restart_policy": "on-failure:9"}
    assert say(
        "exited", policy, exit_code=1, restart_at=NOW + 12 * SECOND, crashes=7, restart_count=6, **RAN
    )[2:] == [
        "Its restart policy on-failure:9 has restarted it 6 times since a user started it.",
        "It will be restarted in 12 seconds: it exited soon after its start 7 times in a row.",
    ]
    late = say("exited", policy, exit_code=1, restart_at=NOW - 12 * SECOND, crashes=1, **RAN)
    assert late[2] == "It should have been restarted 12 seconds ago; the next task does it."


def test_a_policy_that_gave_up(say):
    """The reason why a policy does not restart is shown."""
    found = say("exited", {"restart_policy": "on-failure:2"}, exit_code=1, restart_count=2, **RAN)
    assert found[-1] == (
        "Its restart policy on-failure:2 does not restart it: it was restarted 2 times, and its limit is 2."
    )


def test_after_a_loss_of_power(say):
    """A run that the host ended is shown, with what the next boot does."""
    found = say("exited", {"restart_policy": "always"}, interrupted=True, **RAN)
    assert found[2:] == [
        "A shutdown or power loss of the host ended it; no user stopped it.",
        "Its restart policy always does not restart it: the host is shutting down.",
        "The next boot of the host starts it.",
    ]


def test_what_is_wrong_while_it_runs(say):
    """Health, dependencies, mounts and the monitor are shown in this order."""
    check = Health(1, "unhealthy", 3, log=(Result(NOW - 9 * SECOND, NOW - 8 * SECOND, 1, "no\nanswer\n"),))
    found = say(
        "running",
        scene={
            "health": check,
            "not_running": ("cache", "db"),
            "missing": ("/srv/a, mounted at /a, is not on the host any more",),
            "image": False,
        },
        **{**LIVES, "monitor": None, "error": "port taken"},
    )
    assert found[1:] == [
        "The last error: port taken.",
        "Its health is unhealthy; it failed 3 times in a row.",
        "Its last health check exited 8 seconds ago with status 1: no answer.",
        "It requires cache, db, which are not running.",
        "/srv/a, mounted at /a, is not on the host any more.",
        "Its image app:1 no longer exists.",
        "Its conmon is gone: its output is lost, and its exit status will be unknown.",
    ]


def test_paused_and_pending(say):
    """A pause is shown with its time, a killed verb with what happens next."""
    found = say("paused", scene={"events": (happened("pause", 30),)}, intent="unpause", **LIVES)
    assert found == [
        "web is paused: its processes were frozen 30 seconds ago, PID 47.",
        "Verb unpause is in progress, or was killed halfway; the next task cleans up.",
    ]
    assert say("removing", intent="remove") == [
        "web is being removed, or its removal was killed; state: absent completes it."
    ]


def test_unknown(say):
    """An unknown state is not guessed."""
    assert say("unknown") == ["It is unknown whether web is running."]


def test_checkpointed(say):
    """An exit with a checkpoint is shown, and that no policy restarts it."""
    fields = {**RAN, "checkpointed": RAN["finished"]}
    assert say("exited", {"restart_policy": "always"}, **fields) == [
        "web exited 1 minute ago with a checkpoint, from which it can be restored; a start discards it.",
        "It had run for 5 minutes.",
        "Its restart policy always does not restart it: it ended in its checkpoint.",
    ]
