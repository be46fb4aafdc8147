# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide whether and when to restart a container that has exited (seed: handleRestartPolicy); pure.

libpod always restarts immediately; here, the delay grows with each consecutive short run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..model.container.restart_policy import NO, ON_FAILURE
from ..model.engine.record import ContainerRecord

#: In nanoseconds: the first delay, the longest delay, and the length of a run that resets the delay.
FIRST_DELAY = 100_000_000
LONGEST_DELAY = 60_000_000_000
GOOD_RUN = 10_000_000_000
#: Number of doublings after which the delay is the longest; it bounds the shift.
_MOST_DOUBLINGS = 10


class Verdict(NamedTuple):
    """A restart decision: whether, the reason as text, the number of consecutive short runs, the delay in nanoseconds."""

    restart: bool
    why: str
    crashes: int = 0
    delay: int = 0


def decide(record: ContainerRecord) -> Verdict:
    """Decide after an exit, which the record describes. An unknown exit status counts as a failure."""
    against = _reason_against(record)
    if against:
        return Verdict(False, against, record.crashes)
    crashes = 1 if _time_ran(record) >= GOOD_RUN else record.crashes + 1
    return Verdict(True, f"its policy is {record.spec.restart_policy}", crashes, delay(crashes))


def decide_again(record: ContainerRecord, error: str) -> Verdict:
    """Decide after a failed restart, which counts as a short run."""
    against = _reason_against(record)
    if against:
        return Verdict(False, against, record.crashes)
    return Verdict(True, f"its restart failed: {error}", record.crashes + 1, delay(record.crashes + 1))


def postpone(record: ContainerRecord, missing: Sequence[str]) -> Verdict:
    """Postpone a restart that is due while required containers (``missing``) do not run.

    libpod gives up in this case, but the missing containers may be restarted by their policies, or by the user.
    """
    crashes = record.crashes + 1
    return Verdict(True, f"it needs {', '.join(missing)}, not running", crashes, delay(crashes))


def delay(crashes: int) -> int:
    """Return the delay before the restart after this many consecutive short runs, in nanoseconds."""
    return min(LONGEST_DELAY, FIRST_DELAY << min(max(crashes - 1, 0), _MOST_DOUBLINGS))


def _reason_against(record: ContainerRecord) -> str:
    policy = record.spec.restart_policy
    if policy.word == NO:
        return "its policy is no"
    if record.is_checkpointed or record.stopped_by_user:
        return "it ended in its checkpoint" if record.is_checkpointed else "its user stopped it"
    if record.interrupted:
        return "the host is shutting down"
    if policy.word == ON_FAILURE:
        if record.exit_code == 0:
            return "it did not fail"
        if policy.retries and record.restart_count >= policy.retries:
            return f"it was restarted {record.restart_count} times, and its limit is {policy.retries}"
    return ""


def _time_ran(record: ContainerRecord) -> int:
    if record.started is None or record.finished is None:
        return 0
    return record.finished - record.started
