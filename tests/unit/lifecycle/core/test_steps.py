# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps: done in order, undone in reverse, timed."""

from __future__ import annotations

import time

import pytest

from _engine.errors import RuntimeFailed
from _engine.lifecycle.core.steps import Step, Timings, doing, run


class Told(Exception):
    """An error raised by a step of these tests."""


@pytest.fixture
def log():
    """Return the list of what was done and undone."""
    return []


@pytest.fixture
def step(log):
    """Return a factory of steps that write to the log; ``fails`` stops after half of the work."""

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
    """If nothing fails, nothing is undone."""
    run([step("a"), step("b", undo=False), step("c")], None, Timings())
    assert log == ["do a", "done a", "do b", "done b", "do c", "done c"]


def test_a_failure_undoes_in_reverse_and_the_half_done_step_first(log, step):
    """The step that failed half-way is undone too; later steps are never started; its error is raised."""
    with pytest.raises(Told, match=r"^c$"):
        run([step("a"), step("b"), step("c", fails=True), step("d")], None, Timings())
    assert log == ["do a", "done a", "do b", "done b", "do c", "undo c", "undo b", "undo a"]


def test_a_step_without_undo_is_passed_over(log, step):
    """A step that leaves nothing behind does not stop the undo of others."""
    with pytest.raises(Told, match=r"^c$"):
        run([step("a"), step("b", undo=False), step("c", fails=True, undo=False)], None, Timings())
    assert log == ["do a", "done a", "do b", "done b", "do c", "undo a"]


def test_a_failing_undo_does_not_stop_the_others(log, step):
    """All that can be undone is undone, and the first error is in the chain of the raised one."""
    with pytest.raises(Told) as caught:
        run([step("a"), step("b", undo_fails=True), step("c", fails=True)], None, Timings())
    assert log[-3:] == ["undo c", "undo b", "undo a"]
    chain, error = [], caught.value
    while error is not None:
        chain.append(str(error))
        error = error.__context__
    assert "c" in chain


def test_what_could_not_be_undone_stands_beside_the_error():
    """The error that made a change fail is raised; failures of the undo are in a field of it."""

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
    """Each step gets what the previous one returned, and the last one's value is returned."""
    assert run(
        [Step("a", lambda value: [*value, "a"]), Step("b", lambda value: [*value, "b"])], [], Timings()
    ) == ["a", "b"]


def test_what_is_undone_is_told_how_far_it_came():
    """Every undo gets the value that the last successful step returned."""
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
    """An exception that is not the engine's, such as an interrupt, also causes an undo."""

    def interrupted(_value):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run([step("a"), Step("b", interrupted)], None, Timings())
    assert log == ["do a", "done a", "undo a"]


def test_steps_are_taken_one_by_one(log, step):
    """A step may be built from the result of the previous one."""

    def made():
        yield step("a")
        assert log == ["do a", "done a"]
        yield step("b")

    run(made(), None, Timings())
    assert log[-1] == "done b"


def test_a_failure_while_steps_are_made_undoes(log, step):
    """If the next step can't even be built, the previous ones are undone."""

    def made():
        yield step("a")
        raise Told("made")

    with pytest.raises(Told, match="made"):
        run(made(), None, Timings())
    assert log == ["do a", "done a", "undo a"]


def test_times_of_one_name_are_added_up():
    """A step that runs twice has the sum of its times, and a failed one has its time too."""
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
    """Results show no more digits than are meaningful."""
    timings = Timings()
    timings.seconds = {"a": 0.123456, "b": 0.00004}
    assert timings.rounded() == {"a": 0.1235, "b": 0.0}


def test_a_step_says_itself():
    """A step's description is its name as text."""
    assert Step("mount_rootfs", doing(str)).describe() == "mount rootfs"
