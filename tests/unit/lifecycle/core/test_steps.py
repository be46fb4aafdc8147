# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps: done in order, undone in reverse, timed."""

from __future__ import annotations

import time

import pytest

from _engine.errors import RuntimeFailed
from _engine.lifecycle.core.steps import Step, Timings, doing, run


class Told(Exception):
    """An error of a step of these tests."""


@pytest.fixture
def log():
    """Return the list of what was done and undone."""
    return []


@pytest.fixture
def step(log):
    """Give a maker of steps that write into the log; ``fails`` breaks off after half of the work."""

    def make(name, *, fails=False, undo=True, undo_fails=False):
        def act(_value):
            log.append(f"do {name}")
            if fails:
                raise Told(name)
            log.append(f"done {name}")

        def back(_value):
            log.append(f"undo {name}")
            if undo_fails:
                raise Told(f"undo {name}")

        return Step(name, doing(act), back if undo else None)

    return make


def test_all_steps_are_done_in_order(log, step):
    """When nothing fails, nothing is undone."""
    run([step("a"), step("b", undo=False), step("c")], None, Timings())
    assert log == ["do a", "done a", "do b", "done b", "do c", "done c"]


def test_a_failure_undoes_in_reverse_and_the_half_done_step_first(log, step):
    """The step that failed half-way is undone as well; those after it are never begun; its error is raised."""
    with pytest.raises(Told, match=r"^c$"):
        run([step("a"), step("b"), step("c", fails=True), step("d")], None, Timings())
    assert log == ["do a", "done a", "do b", "done b", "do c", "undo c", "undo b", "undo a"]


def test_a_step_without_undo_is_passed_over(log, step):
    """A step that leaves nothing behind does not hold up the undoing of others."""
    with pytest.raises(Told, match=r"^c$"):
        run([step("a"), step("b", undo=False), step("c", fails=True, undo=False)], None, Timings())
    assert log == ["do a", "done a", "do b", "done b", "do c", "undo a"]


def test_a_failing_undo_does_not_stop_the_others(log, step):
    """All is undone that can be, and the first error is still in the chain of what is raised."""
    with pytest.raises(Told) as caught:
        run([step("a"), step("b", undo_fails=True), step("c", fails=True)], None, Timings())
    assert log[-3:] == ["undo c", "undo b", "undo a"]
    chain, error = [], caught.value
    while error is not None:
        chain.append(str(error))
        error = error.__context__
    assert "c" in chain


def test_what_could_not_be_undone_stands_beside_the_error():
    """The error that made a change fail is the one that is raised; what went wrong in undoing is a field of it."""

    def fail(error):
        raise error

    steps = [
        Step("mount_rootfs", doing(str), lambda _value: fail(OSError(16, "busy"))),
        Step("runtime_create", lambda _value: fail(RuntimeFailed("no such program"))),
    ]
    with pytest.raises(RuntimeFailed, match="no such program") as caught:
        run(steps, None, Timings())
    assert caught.value.fields["not_undone"] == ["mount rootfs: [Errno 16] busy"]


def test_a_value_is_handed_on():
    """Each step gets what the one before it returned, and the last one's value is returned."""
    assert run(
        [Step("a", lambda value: [*value, "a"]), Step("b", lambda value: [*value, "b"])], [], Timings()
    ) == ["a", "b"]


def test_what_is_undone_is_told_how_far_it_came():
    """Every undo gets the value that the last step to succeed has returned."""
    seen = []
    steps = [Step(name, lambda value, name=name: [*value, name], seen.append) for name in "ab"]
    with pytest.raises(Told):
        run(
            [*steps, Step("c", lambda _value: (never for never in ()).throw(Told()), seen.append)],
            [],
            Timings(),
        )
    assert seen == [["a", "b"]] * 3


def test_an_interruption_undoes_too(log, step):
    """What is no error of the engine, such as a signal to end, undoes all the same."""

    def interrupted(_value):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run([step("a"), Step("b", interrupted)], None, Timings())
    assert log == ["do a", "done a", "undo a"]


def test_steps_are_taken_one_by_one(log, step):
    """A step may be made from what the one before it found."""

    def made():
        yield step("a")
        assert log == ["do a", "done a"]
        yield step("b")

    run(made(), None, Timings())
    assert log[-1] == "done b"


def test_a_failure_while_steps_are_made_undoes(log, step):
    """When the next step can't even be made, those before it are undone."""

    def made():
        yield step("a")
        raise Told("made")

    with pytest.raises(Told, match="made"):
        run(made(), None, Timings())
    assert log == ["do a", "done a", "undo a"]


def test_times_of_one_name_are_added_up():
    """A step that runs twice has the sum of its times, and a failed one its time as well."""
    timings = Timings()

    def pause(_value):
        time.sleep(0.02)

    def fail(value):
        pause(value)
        raise Told

    with pytest.raises(Told):
        run(
            [
                Step("copy_up", doing(pause)),
                Step("mount", doing(str)),
                Step("copy_up", doing(pause)),
                Step("start", fail),
            ],
            None,
            timings,
        )
    assert list(timings.seconds) == ["copy_up", "mount", "start"]
    assert timings.seconds["copy_up"] >= 0.04
    assert timings.seconds["start"] >= 0.02 > timings.seconds["mount"]


def test_times_are_told_to_a_tenth_of_a_millisecond():
    """Results show no more digits than mean something."""
    timings = Timings()
    timings.seconds = {"a": 0.123456, "b": 0.00004}
    assert timings.rounded() == {"a": 0.1235, "b": 0.0}


def test_a_step_says_itself():
    """A step's name is its description, in words."""
    assert Step("mount_rootfs", doing(str)).describe() == "mount rootfs"
