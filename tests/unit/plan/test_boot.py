# SPDX-License-Identifier: GPL-3.0-or-later
"""Boots: the record after a reboot, which containers are started, and in which order."""

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
    """Return a function that creates records with a restart policy."""

    def make(policy="always", state="exited", *, rm=False, **fields):
        known = replace(record(state, {"restart_policy": policy, "rm": rm}), started=1)
        return replace(known, **fields)

    return make


@pytest.mark.parametrize(
    ("policy", "stopped", "interrupted", "started", "due"),
    [*itertools.product(POLICIES, [False, True], [False, True], [None, 1], [None, 5])],
)
def test_what_a_boot_starts(found, policy, stopped, interrupted, started, due):
    """A boot starts containers that have run, were not stopped by a user, and have to run or were interrupted."""
    record = found(policy, stopped_by_user=stopped, interrupted=interrupted, started=started, restart_at=due)
    by_policy = policy in ("always", "unless-stopped") or (policy.startswith("on-failure") and interrupted)
    assert will_start(record) is (started is not None and not stopped and (by_policy or due is not None))


@pytest.mark.parametrize("state", ["running", "paused", "removing", "unknown"])
def test_a_boot_leaves_what_can_not_be_started(found, state):
    """A container that is alive, is being removed, or has an unknown state is not started."""
    assert not will_start(found(state=state))


@pytest.mark.parametrize(("state", "policy"), [*itertools.product(STATES, POLICIES)])
def test_what_a_reboot_leaves(found, state, policy):
    """An exited container stays exited, any other is configured; one that ran, or had a pending restart, was interrupted."""
    before = found(policy, state, exit_code=3, finished=2, restart_count=2, crashes=4, intent="start")
    after = refreshed(before)
    ended = state in ("stopped", "exited")
    assert after.status == ("exited" if ended else "configured")
    assert (after.exit_code, after.finished) == ((3, 2) if ended else (None, None))
    assert after.interrupted is (state in ("running", "paused") or (state == "stopped" and policy != "no"))
    assert (after.intent, after.restart_count, after.crashes, after.restart_at) == ("", 0, 0, None)
    assert refreshed(after) == after


def test_a_due_restart_was_interrupted(found):
    """The boot starts a container with a pending restart."""
    after = refreshed(found("on-failure", "exited", restart_at=7, exit_code=1))
    assert (after.restart_at, after.interrupted, will_start(after)) == (None, True, True)


def test_a_wish_outlives_a_reboot(found):
    """A container that a user stopped, or was stopping, stays stopped, unlike in libpod."""
    for state in STATES:
        after = refreshed(found("always", state, stopped_by_user=True))
        assert after.stopped_by_user
        assert not will_start(after)


def test_a_removal_stays_to_be_finished(found):
    """A partially removed container stays so, and the next task completes the removal."""
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
    """A container with rm is removed after its run, unless it never ran, or will be started again."""
    assert is_over(refreshed(found(policy, state, rm=True, started=started))) is expected


def test_order_of_a_boot(found):
    """Containers start oldest first, after those that they require, which are started too unless a user stopped them."""

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
    """A container that ended with its checkpoint is neither started nor removed with rm; a later exit counts as any other."""
    saved = found(policy, finished=5, checkpointed=5)
    assert saved.is_checkpointed
    assert not will_start(saved)
    assert to_start([saved], []) == ()
    assert refreshed(saved).is_checkpointed
    assert not is_over(found("no", rm=True, finished=5, checkpointed=5))
    assert is_over(found("no", rm=True, finished=6, checkpointed=5))
    assert will_start(found("always", finished=6, checkpointed=5))


def test_half_a_container_is_removed(found):
    """A partial import is removed after a reboot too."""
    assert refreshed(found(state="configured", intent="import", started=None)).status == "removing"
