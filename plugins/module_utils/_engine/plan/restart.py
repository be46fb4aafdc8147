# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide whether a container that has ended is started again, and when (seed: handleRestartPolicy); pure.

libpod starts it again at once, for ever; here a container that crashes at once waits longer each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..model.container.restart_policy import NO, ON_FAILURE
from ..model.engine.record import ContainerRecord

#: Nanoseconds. The first wait, the longest, and the length of a run after which the waits begin anew.
FIRST_DELAY = 100_000_000
LONGEST_DELAY = 60_000_000_000
GOOD_RUN = 10_000_000_000
#: The doublings after which the wait is the longest; more would only make large numbers.
_MOST_DOUBLINGS = 10


class Verdict(NamedTuple):
    """Whether to restart, why (not) in words, after how many short runs in a row, and in how many nanoseconds."""

    restart: bool
    why: str
    crashes: int = 0
    delay: int = 0


def decide(record: ContainerRecord) -> Verdict:
    """Judge the end of a run; the record holds how it ended. An exit code that nobody saw counts as a failure."""
    against = _reason_against(record)
    if against:
        return Verdict(False, against, record.crashes)
    crashes = 1 if _time_ran(record) >= GOOD_RUN else record.crashes + 1
    return Verdict(True, f"its policy is {record.spec.restart_policy}", crashes, delay(crashes))


def decide_again(record: ContainerRecord, error: str) -> Verdict:
    """Judge a restart that failed; the attempt counts, and the container did not run at all."""
    against = _reason_against(record)
    if against:
        return Verdict(False, against, record.crashes)
    return Verdict(True, f"its restart failed: {error}", record.crashes + 1, delay(record.crashes + 1))


def postpone(record: ContainerRecord, missing: Sequence[str]) -> Verdict:
    """Judge a restart that is due while containers that it needs (``missing``) do not run: it waits, and counts nothing.

    libpod gives up here. But what is missing may be on its way back by its own policy, or by its user.
    """
    crashes = record.crashes + 1
    return Verdict(True, f"it needs {', '.join(missing)}, not running", crashes, delay(crashes))


def delay(crashes: int) -> int:
    """Return the wait before the restart after so many short runs in a row, in nanoseconds."""
    return min(LONGEST_DELAY, FIRST_DELAY << min(max(crashes - 1, 0), _MOST_DOUBLINGS))


def _reason_against(record: ContainerRecord) -> str:
    policy = record.spec.restart_policy
    if policy.word == NO:
        return "its policy is no"
    if record.is_checkpointed or record.stopped_by_user:
        return "it ended in its checkpoint" if record.is_checkpointed else "its user stopped it"
    if record.interrupted:
        return "the host stops"
    if policy.word == ON_FAILURE:
        if record.exit_code == 0:
            return "it did not fail"
        if policy.retries and record.restart_count >= policy.retries:
            return f"it was restarted {record.restart_count} times, and may be {policy.retries} times"
    return ""


def _time_ran(record: ContainerRecord) -> int:
    if record.started is None or record.finished is None:
        return 0
    return record.finished - record.started
