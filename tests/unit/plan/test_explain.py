# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of a container, word by word."""

from __future__ import annotations

import pytest

from _engine.model.container.health import Health, Result
from _engine.model.engine.record import Event, ProcessId
from _engine.plan.explain import Scene, explain

SECOND = 10**9
NOW = 10_000 * SECOND
RAN = {"started": NOW - 400 * SECOND, "finished": NOW - 100 * SECOND}
LIVES = {"started": NOW - 7200 * SECOND, "process": ProcessId(47, 1), "monitor": ProcessId(46, 1)}
GONE = ["It had run for 5 minutes.", "Nothing starts it again: its restart policy is no."]


def happened(action, ago, **attributes):
    """Return an event of the container."""
    return Event(NOW - ago * SECOND, "container", action, "f" * 64, "web", attributes)


@pytest.fixture
def say(record):
    """Give a function that explains a container."""

    def say(status, options=None, scene=None, **fields):
        return explain(Scene(record(status, options, **fields), NOW, **(scene or {})))

    return say


def test_never_started(say):
    """What was only created says so, and no more."""
    assert say("configured") == ["web was created 2 hours ago and never started."]


def test_running(say):
    """What runs says since when."""
    assert say("running", **LIVES) == ["web runs, started 2 hours ago, process 47."]


ENDS = [
    (0, "it went well"),
    (1, "its program says that it failed"),
    (126, "its command was found and can't be executed"),
    (127, "its command was not found, as shells say it"),
    (137, "killed by KILL, from outside or for want of memory"),
    (139, "it crashed: SEGV, an access to memory that is not its own"),
    (143, "ended by TERM, as a stop asks for"),
    (129, "ended by HUP"),
]


@pytest.mark.parametrize(("code", "meaning"), ENDS)
def test_exit_codes_have_a_meaning(say, code, meaning):
    """A code is told with what it means."""
    assert say("exited", exit_code=code, **RAN) == [
        f"web ended 1 minute ago with exit code {code}: {meaning}.",
        *GONE,
    ]


def test_a_code_without_a_meaning(say):
    """A program's own code is told as it is."""
    assert say("exited", exit_code=42, **RAN)[0] == "web ended 1 minute ago with exit code 42."


def test_an_unknown_code(say):
    """What nobody saw is not told as 0."""
    assert (
        say("exited", **RAN)[0] == "web ended 1 minute ago and nobody saw how, so its exit code is unknown."
    )


def test_out_of_memory(say):
    """Want of memory is told with the limit, and no guess beside it."""
    assert say("exited", {"memory": "64m"}, exit_code=137, oom_killed=True, **RAN)[0] == (
        "web ended 1 minute ago with exit code 137: the kernel killed it for want of memory, and it may have 64 MiB."
    )


def test_stopped_by_a_user(say):
    """A user's stop is a wish that the policy heeds."""
    assert say("exited", {"restart_policy": "always"}, exit_code=143, stopped_by_user=True, **RAN)[2:] == [
        "Its user stopped it, so nothing starts it again but a user."
    ]


def test_signal_sent_by_a_user(say):
    """A signal of the last run is told, one of a run before is not."""
    found = say(
        "exited",
        scene={"events": (happened("kill", 500, signal="15"), happened("kill", 110, signal="9"))},
        **RAN,
    )
    assert found[2] == "It was sent KILL by a user 1 minute ago."
    before = say("exited", scene={"events": (happened("kill", 500, signal="15"),)}, **RAN)
    assert before[1:] == GONE


def test_crash_loop(say):
    """The back-off tells when, why, and how often it was tried."""
    policy = {"restart_policy": "on-failure:9"}
    assert say(
        "exited", policy, exit_code=1, restart_at=NOW + 12 * SECOND, crashes=7, restart_count=6, **RAN
    )[2:] == [
        "Its restart policy on-failure:9 has started it again 6 times since a user did.",
        "It is started again in 12 seconds: it ended soon after its start 7 times in a row.",
    ]
    late = say("exited", policy, exit_code=1, restart_at=NOW - 12 * SECOND, crashes=1, **RAN)
    assert late[2] == "It should have been started again 12 seconds ago; the next task makes up for it."


def test_a_policy_that_gave_up(say):
    """Why a policy does not act is told."""
    found = say("exited", {"restart_policy": "on-failure:2"}, exit_code=1, restart_count=2, **RAN)
    assert found[-1] == (
        "Its restart policy on-failure:2 does not start it again: it was restarted 2 times, and may be 2 times."
    )


def test_after_a_loss_of_power(say):
    """A run that the host ended is told as such, and what the next boot does."""
    found = say("exited", {"restart_policy": "always"}, interrupted=True, **RAN)
    assert found[2:] == [
        "The host's stop, or its loss of power, ended it; nobody wished it to end.",
        "Its restart policy always does not start it again: the host stops.",
        "The next boot of the host starts it.",
    ]


def test_what_is_wrong_while_it_runs(say):
    """Health, needs, mounts and the monitor are told, in this order."""
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
        "The last that went wrong: port taken.",
        "Its health is unhealthy, it failed 3 times in a row.",
        "Its last health check ended 8 seconds ago with 1 and said: no answer.",
        "It needs cache, db, which do not run.",
        "/srv/a, mounted at /a, is not on the host any more.",
        "Its image app:1 is not there any more.",
        "Its conmon has gone: its output is lost, and nobody will see with which code it ends.",
    ]


def test_paused_and_pending(say):
    """A pause tells since when; a verb that was killed is told with what becomes of it."""
    found = say("paused", scene={"events": (happened("pause", 30),)}, intent="unpause", **LIVES)
    assert found == [
        "web is paused: its processes were frozen 30 seconds ago, process 47.",
        "Verb unpause is under way on it, or was killed half-way; the next task mends what that left.",
    ]
    assert say("removing", intent="remove") == [
        "web is being removed, or its removal was killed; state: absent finishes it."
    ]


def test_unknown(say):
    """What is not known is not guessed."""
    assert say("unknown") == ["Whether web runs is not known."]


def test_checkpointed(say):
    """What ended in its checkpoint says so, and that no policy starts it."""
    fields = {**RAN, "checkpointed": RAN["finished"]}
    assert say("exited", {"restart_policy": "always"}, **fields) == [
        "web ended 1 minute ago in its checkpoint, from which it can be restored; a start would begin anew.",
        "It had run for 5 minutes.",
        "Its restart policy always does not start it again: it ended in its checkpoint.",
    ]
