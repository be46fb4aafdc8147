# SPDX-License-Identifier: GPL-3.0-or-later
"""Restart policies: for every policy and every exit, whether and when the container is restarted."""

from __future__ import annotations

import itertools

import pytest

from _engine.frozen import replace
from _engine.plan.restart import GOOD_RUN, LONGEST_DELAY, decide, decide_again, delay, postpone

SECOND = 10**9
#: Policy and exit code (None: nobody saw it): whether it starts again, when nothing else speaks against it.
TABLE = {
    ("no", 0): False,
    ("no", 1): False,
    ("no", None): False,
    ("on-failure", 0): False,
    ("on-failure", 1): True,
    ("on-failure", 137): True,
    ("on-failure", None): True,
    ("on-failure:3", 0): False,
    ("on-failure:3", 1): True,
    ("on-failure:3", None): True,
    ("always", 0): True,
    ("always", 1): True,
    ("always", None): True,
    ("unless-stopped", 0): True,
    ("unless-stopped", 1): True,
    ("unless-stopped", None): True,
}


@pytest.fixture
def ended(spec, record):
    """Return a function that creates records of a container that exited after ``ran`` nanoseconds."""

    def ended(policy="always", exit_code=1, ran=0, **others):
        found = replace(record("stopped"), spec=replace(record().spec, **_policy(spec, policy)))
        return replace(found, exit_code=exit_code, started=SECOND, finished=SECOND + ran, **others)

    return ended


def _policy(spec, policy):
    return {"restart_policy": spec(restart_policy=policy).restart_policy}


@pytest.mark.parametrize(
    ("how", "stopped_by_user", "interrupted", "count"),
    [*itertools.product(TABLE, [False, True], [False, True], [0, 2, 3, 1000])],
)
def test_every_end(ended, how, stopped_by_user, interrupted, count):
    """Policy and exit code decide; a stop by a user and a shutdown override both; restarts are limited to N."""
    policy, code = how
    record = ended(
        policy, code, stopped_by_user=stopped_by_user, interrupted=interrupted, restart_count=count
    )
    spent = policy == "on-failure:3" and count >= 3
    expected = TABLE[how] and not (stopped_by_user or interrupted or spent)
    assert decide(record).restart is expected
    assert decide_again(record, "why").restart is expected


def test_reasons(ended):
    """A verdict has a reason."""
    assert decide(ended("on-failure:3")).why == "its policy is on-failure:3"
    assert (
        decide(ended("on-failure:3", restart_count=3)).why == "it was restarted 3 times, and its limit is 3"
    )
    assert decide(ended(stopped_by_user=True)).why == "its user stopped it"
    assert postpone(ended(), ["db", "cache"]).why == "it needs db, cache, not running"


def test_delays_double():
    """The delay doubles from a tenth of a second up to a minute, for any number of crashes."""
    tenths = [delay(crashes) // 10**8 for crashes in range(1, 13)]
    assert tenths == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]
    assert delay(10**9) == LONGEST_DELAY
    assert delay(0) == delay(1)


@pytest.mark.parametrize(
    ("ran", "before", "after"),
    [(0, 0, 1), (0, 5, 6), (GOOD_RUN - 1, 5, 6), (GOOD_RUN, 5, 1), (GOOD_RUN * 9, 0, 1), (-SECOND, 1, 2)],
)
def test_a_good_run_ends_the_waiting(ended, ran, before, after):
    """Short runs are counted until one lasts ten seconds; setting the clock back does not make a long run."""
    verdict = decide(ended(ran=ran, crashes=before))
    assert (verdict.crashes, verdict.delay) == (after, delay(after))


def test_a_failed_restart_waits_longer(ended):
    """A failed restart counts as a short run, regardless of the previous run; so does a postponed one."""
    record = ended(ran=GOOD_RUN, crashes=3)
    assert decide_again(record, "no image")[2:] == postpone(record, ["db"])[2:] == (4, delay(4))
