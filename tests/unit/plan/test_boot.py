# SPDX-License-Identifier: GPL-3.0-or-later
"""Boots: what a reboot leaves of a record, what is started, and in which order."""

from __future__ import annotations

import itertools

import pytest

from _engine.frozen import replace
from _engine.model.container import status
from _engine.plan.boot import will_start
from _engine.plan.bootorder import to_start
from _engine.plan.refresh import is_over, refreshed

POLICIES = ("no", "on-failure", "on-failure:3", "always", "unless-stopped")
STATES = ("configured", "created", "running", "paused", "stopped", "exited", "unknown")


@pytest.fixture
def found(spec, record):
    """Give a maker of records with a policy."""

    def make(policy="always", state="exited", *, rm=False, **fields):
        known = replace(record(state, {"restart_policy": policy, "rm": rm}), started=1)
        return replace(known, **fields)

    return make


@pytest.mark.parametrize(
    ("policy", "stopped", "interrupted", "started", "due"),
    [*itertools.product(POLICIES, [False, True], [False, True], [None, 1], [None, 5])],
)
def test_what_a_boot_starts(found, policy, stopped, interrupted, started, due):
    """Started is what has run, was not stopped by its user, and has to run by its policy or was cut off in its run."""
    record = found(policy, stopped_by_user=stopped, interrupted=interrupted, started=started, restart_at=due)
    by_policy = policy in ("always", "unless-stopped") or (policy.startswith("on-failure") and interrupted)
    assert will_start(record) is (started is not None and not stopped and (by_policy or due is not None))


@pytest.mark.parametrize("state", ["running", "paused", "removing", "unknown"])
def test_a_boot_leaves_what_can_not_be_started(found, state):
    """What lives, goes, or is in no known state is not started."""
    assert not will_start(found(state=state))


@pytest.mark.parametrize(("state", "policy"), [*itertools.product(STATES, POLICIES)])
def test_what_a_reboot_leaves(found, state, policy):
    """What had ended stays so, all else is as created; what ran, or was to run again, was interrupted."""
    before = found(policy, state, exit_code=3, finished=2, restart_count=2, crashes=4, intent="start")
    after = refreshed(before)
    ended = state in ("stopped", "exited")
    assert after.status == ("exited" if ended else "configured")
    assert (after.exit_code, after.finished) == ((3, 2) if ended else (None, None))
    assert after.interrupted is (state in ("running", "paused") or (state == "stopped" and policy != "no"))
    assert (after.intent, after.restart_count, after.crashes, after.restart_at) == ("", 0, 0, None)
    assert refreshed(after) == after


def test_a_due_restart_was_interrupted(found):
    """A restart that waited is made up for by the boot."""
    after = refreshed(found("on-failure", "exited", restart_at=7, exit_code=1))
    assert (after.restart_at, after.interrupted, will_start(after)) == (None, True, True)


def test_a_wish_outlives_a_reboot(found):
    """What its user had stopped, or was about to stop, stays stopped; libpod forgets it."""
    for state in STATES:
        after = refreshed(found("always", state, stopped_by_user=True))
        assert after.stopped_by_user
        assert not will_start(after)


def test_a_removal_stays_to_be_finished(found):
    """A half removed container keeps its intent, by which the next task finishes it."""
    after = refreshed(found(state="removing", intent="remove", restart_at=1))
    assert (after.status, after.intent, after.restart_at) == (status.REMOVING, "remove", None)


@pytest.mark.parametrize(
    ("state", "policy", "started", "expected"),
    [
        ("running", "no", 1, True),
        ("exited", "no", 1, True),
        ("configured", "no", None, False),
        ("running", "on-failure", 1, False),
        ("removing", "no", 1, False),
    ],
)
def test_rm(found, state, policy, started, expected):
    """A container with rm goes with its run, unless it never ran, or is to run again."""
    assert is_over(refreshed(found(policy, state, rm=True, started=started))) is expected


def test_order_of_a_boot(found):
    """Oldest first, each after what it needs, which is started too; not against the wish of its user."""

    def one(name, created, policy="always", **fields):
        return replace(found(policy, **fields), id=name, created=created)

    records = [
        one("web", 1),
        one("db", 3),
        one("cache", 2, "no"),
        one("down", 4, stopped_by_user=True),
        one("lives", 5, state="running"),
        one("other", 6, "no"),
    ]
    needs = [("web", "db"), ("web", "cache"), ("db", "down"), ("web", "lives")]
    assert to_start(records, needs) == ("cache", "db", "web")
    assert to_start(reversed(records), needs) == ("cache", "db", "web")


@pytest.mark.parametrize("policy", POLICIES)
def test_a_checkpoint_is_left_to_its_user(found, policy):
    """What ended in its checkpoint is not started, nor removed with rm; what ended otherwise after one is judged as any."""
    saved = found(policy, finished=5, checkpointed=5)
    assert saved.is_checkpointed
    assert not will_start(saved)
    assert to_start([saved], []) == ()
    assert refreshed(saved).is_checkpointed
    assert not is_over(found("no", rm=True, finished=5, checkpointed=5))
    assert is_over(found("no", rm=True, finished=6, checkpointed=5))
    assert will_start(found("always", finished=6, checkpointed=5))


def test_half_a_container_is_removed(found):
    """What a killed import left is on its way out after a reboot too."""
    assert refreshed(found(state="configured", intent="import", started=None)).status == "removing"
