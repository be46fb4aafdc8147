# SPDX-License-Identifier: GPL-3.0-or-later
"""Correction of records by facts."""

from __future__ import annotations

import pytest

from _engine.model.container import status
from _engine.model.container.status import may_move
from _engine.model.engine.record import ProcessId
from _engine.plan.settle import Facts, settle

OLD, NEW, MONITOR = ProcessId(10, 1), ProcessId(11, 2), ProcessId(9, 1)
CLAIMING = sorted(status.CLAIMS)
SILENT = sorted(set(status.MOVES) - status.CLAIMS)
EVERY_FACT = Facts(NEW, MONITOR, exited=True, exit_code=3, finished=5, oom_killed=True, seen=6)


@pytest.mark.parametrize("word", SILENT)
def test_a_record_that_claims_nothing_is_left_alone(record, word):
    """Facts do not change a record that never claimed a process, or was already cleaned up."""
    known = record(word, exit_code=7, finished=2)
    assert settle(known, EVERY_FACT) is known
    assert settle(known, Facts(seen=9)) is known


@pytest.mark.parametrize("word", CLAIMING)
def test_an_exit_file_ends_a_container(record, word):
    """An exit file counts, with its code, time and cause, even while the process is still alive."""
    ended = settle(record(word, process=OLD, monitor=MONITOR), EVERY_FACT)
    assert (ended.status, ended.process, ended.monitor) == ("stopped", None, None)
    assert (ended.exit_code, ended.finished, ended.oom_killed) == (3, 5, True)


def test_what_the_kernel_may_not_kill_was_not_killed(record):
    """With oom_kill_disable, running out of memory is not the cause of an exit."""
    spared = record("running", {"oom_kill_disable": True}, process=OLD, monitor=MONITOR)
    assert settle(spared, EVERY_FACT).oom_killed is False


@pytest.mark.parametrize("word", sorted(status.CLAIMS - {"created"}))
def test_an_end_that_nobody_saw_has_no_code(record, word):
    """A process that is gone without an exit file exited with an unknown code, at the time of the observation."""
    ended = settle(record(word, process=OLD, monitor=MONITOR, exit_code=0), Facts(monitor=MONITOR, seen=6))
    assert (ended.status, ended.process, ended.monitor) == ("stopped", None, None)
    assert (ended.exit_code, ended.finished, ended.oom_killed) == (None, 6, False)


@pytest.mark.parametrize("facts", [EVERY_FACT, Facts(seen=6)], ids=["seen", "unseen"])
def test_no_end_is_before_its_start(record, facts):
    """The time of an exit file is coarse, and a clock may be set back: the duration of a run is never negative."""
    assert settle(record("running", process=OLD, started=7), facts).finished == 7


def test_an_exit_file_without_a_code(record):
    """An exit file without a valid code is an exit with an unknown code, not with 0."""
    ended = settle(record("running", process=OLD), Facts(exited=True, seen=6))
    assert (ended.status, ended.exit_code, ended.finished) == ("stopped", None, 6)


def test_a_code_of_zero_is_known(record):
    """An exit code of 0 is known."""
    assert settle(record("running", process=OLD), Facts(exited=True, exit_code=0, finished=5)).exit_code == 0


@pytest.mark.parametrize("word", CLAIMING)
def test_a_living_process_is_taken_over(record, word):
    """The process of the record is replaced by the one that is alive."""
    now = settle(record(word, process=OLD), Facts(NEW, MONITOR, seen=6))
    assert (now.status, now.process, now.monitor, now.exit_code, now.finished) == (
        word,
        NEW,
        MONITOR,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("word", "frozen", "after"),
    [
        ("paused", True, "paused"),
        ("paused", False, "running"),
        ("paused", None, "paused"),
        ("running", None, "running"),
        ("running", False, "running"),
        ("running", True, "paused"),
    ],
)
def test_what_stands_still_is_the_kernel_s_word(record, word, frozen, after):
    """The kernel overrides a paused record, unless its state is unknown."""
    assert settle(record(word, process=OLD), Facts(OLD, MONITOR, frozen=frozen)).status == after


def test_created_and_gone_was_never_started(record):
    """A created container whose process is gone becomes configured, without an exit."""
    now = settle(record("created", process=OLD, monitor=MONITOR), Facts(seen=6))
    assert (now.status, now.process, now.monitor, now.finished) == ("configured", None, None, None)


@pytest.mark.parametrize("word", CLAIMING)
@pytest.mark.parametrize(
    "facts", [Facts(), Facts(seen=1), Facts(NEW), Facts(NEW, MONITOR), Facts(exited=True), EVERY_FACT]
)
def test_settling_is_a_move_of_the_table_and_final(record, word, facts):
    """Each correction is an allowed transition, and applying the same facts again changes nothing."""
    known = record(word, process=OLD)
    settled = settle(known, facts)
    assert may_move(known.status, settled.status)
    assert settle(settled, facts) == settled
    assert (settled.id, settled.spec, settled.volumes) == (known.id, known.spec, known.volumes)
