# SPDX-License-Identifier: GPL-3.0-or-later
"""An added resource takes part in the whole life of a container; here it is a file."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from powercut import reboot

from _engine.errors import EngineError, HostLacks, RuntimeFailed
from _engine.lifecycle.container.exited import exited
from _engine.lifecycle.converge.container import converge
from _engine.lifecycle.converge.request import Request
from _engine.lifecycle.guard.hold import hold
from _engine.lifecycle.resources import held
from _engine.lifecycle.resources.contract import Resource
from enginehost import eventually, failing_hook

FOREVER = ("sleep", "1000")


class _Mark(Resource):
    """A file outside the engine's directories, which only the resource removes."""

    name, step = "mark", "make_mark"

    def __init__(self, top: Path) -> None:
        self.top = top

    def check(self, _engine, _spec, _source, _record):
        yield self.look

    def look(self):
        if not self.top.is_dir():
            raise HostLacks(f"{self.top} is not there")

    def plan(self, _engine, record):
        return {"given": {**record.given, "mark": record.name}}

    def acquire(self, _engine, run):
        assert run.record.intent == "start"
        assert run.record.given == {"mark": "box"}
        (self.top / run.record.id).write_text(os.path.basename(run.rootfs))
        return run

    def release(self, _engine, record):
        (self.top / record.id).unlink(missing_ok=True)

    def observe(self, _engine, record):
        return (self.top / record.id).exists()

    def refresh(self, engine, record):
        self.release(engine, record)


class _Fatal(Resource):
    """Kills the task at its acquisition, or at its release."""

    name, step = "end", "prepare"

    def __init__(self, verb: str) -> None:
        self.verb = verb

    def acquire(self, _engine, run):
        self.come_to("acquire")
        return run

    def release(self, _engine, record):
        if record.started is not None or record.status == "removing":  # not the release that begins a start
            self.come_to("release")

    def come_to(self, verb):
        if verb == self.verb:
            os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture
def marks(tmp_path, monkeypatch) -> Path:
    """Add the resource to the tuple, and return the directory of its files."""
    top = tmp_path / "marks"
    top.mkdir()
    monkeypatch.setattr(held, "HELD", (*held.HELD[:-1], _Mark(top), held.HELD[-1]))
    return top


def want(host, state: str, *command: str, **options: object) -> object:
    """Converge as a task does; no agent observes the container's exit."""
    spec = host.spec(*command, stop_timeout=0, **options) if command else None
    with host.open() as engine:
        return converge(engine, Request("box", state, spec), lambda _engine, keep: ("/bin/true",))


def names(marks: Path) -> list[str]:
    """Return the ids of the containers that have a mark."""
    return sorted(os.listdir(marks))


def die(act: Callable[[], object]) -> None:
    """Call the function in a child process, which it kills."""
    child = os.fork()
    if child == 0:
        try:
            act()
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def test_a_life(host, marks, tmp_path):
    """It is checked, timed, acquired, undone, cleaned up, refreshed and removed with the other resources."""
    marks.rmdir()
    with pytest.raises(HostLacks, match="marks is not there"):
        want(host, "started", *FOREVER)
    assert host.record() is None
    marks.mkdir()

    with pytest.raises(RuntimeFailed):
        want(host, "started", *FOREVER, hooks_dir=failing_hook(tmp_path))
    assert (host.record().status, names(marks)) == ("configured", [])

    with host.open() as engine:
        spec = host.spec(*FOREVER, stop_timeout=0)
        converge(engine, Request("box", "started", spec), lambda _engine, keep: ("/bin/true",))
        assert [*engine.timings.seconds].index("make_mark") < [*engine.timings.seconds].index(
            "runtime_create"
        )
    container = host.record()
    assert (names(marks), container.given) == ([container.id], {"mark": "box"})

    want(host, "stopped")
    assert (host.record().status, names(marks)) == ("exited", [])

    want(host, "started", "true")
    eventually(lambda: os.path.exists(host.layout.container(host.record().id).exit_file), "an exit file")
    assert names(marks) == [host.record().id]
    with host.open() as engine:
        exited(engine, host.record().id, ("/bin/true",), keep=False)
    assert names(marks) == []

    want(host, "started", *FOREVER)
    reboot(host)
    assert names(marks) == [host.record().id]
    with host.open():
        assert names(marks) == []

    want(host, "started", "true", restart_policy="no")
    assert names(marks) == [host.record().id]
    want(host, "absent")
    assert (host.record(), names(marks)) == (None, [])


@pytest.mark.parametrize("runtime", ["runc"], indirect=True)
@pytest.mark.parametrize("at", range(len(held.HELD) + 1))
def test_killed_at_each_point(host, marks, monkeypatch, at):
    """After a kill before or after any resource, the same task succeeds when it is repeated."""
    before = held.HELD
    at += at == len(before)  # after the mark, too

    def fatal(verb: str) -> None:
        monkeypatch.setattr(held, "HELD", (*before[:at], _Fatal(verb), *before[at:]))

    def tried(verb: str, act: Callable[[], object]) -> None:
        fatal(verb)
        die(act)
        monkeypatch.setattr(held, "HELD", before)
        act()

    tried("acquire", lambda: want(host, "started", *FOREVER))
    assert (host.inspect()["State"]["Status"], names(marks)) == ("running", [host.record().id])
    tried("release", lambda: want(host, "stopped"))
    assert (host.inspect()["State"]["Status"], names(marks)) == ("exited", [])
    want(host, "started", *FOREVER)
    want(host, "stopped")
    tried("release", lambda: want(host, "absent"))
    assert (host.record(), names(marks)) == (None, [])


def test_what_is_held_is_seen(host, tmp_path):
    """Each resource is observed while the container runs, and not after its cleanup."""
    host.volume("own", "present", "type=tmpfs")
    want(host, "started", *FOREVER, volume=["own:/own", f"{tmp_path}:/over:O"])

    def seen() -> set[str]:
        with host.open(read_only=True) as engine:
            return {one.name for one in held.HELD if one.observe(engine, host.record())}

    assert seen() == {"runtime", "cgroup", "mounts", "volumes", "root file system", "shm", "files"}
    want(host, "stopped")
    assert seen() == set()


def test_what_an_overlay_has_written_goes_with_the_boot(host, tmp_path):
    """Files written to the engine's own overlay are gone after a reboot, as after any other end of a run."""
    want(host, "started", *FOREVER, volume=[f"{tmp_path}:/over:O"])
    overlays = Path(host.layout.container(host.record().id).overlays)
    assert overlays.is_dir()
    reboot(host)
    with host.open():
        assert not overlays.exists()


def test_a_volume_that_was_left_to_a_killed_start_is_unmounted(host, monkeypatch):
    """A container that exits during the repair of another's killed start leaves their volume to it."""
    host.volume("own", "present", "type=tmpfs")
    host.want("started", *FOREVER, name="other", volume=["own:/own"], stop_timeout=0)
    monkeypatch.setattr(held, "HELD", (*held.HELD[:-1], _Fatal("acquire"), held.HELD[-1]))
    die(lambda: want(host, "started", *FOREVER, volume=["own:/own"]))

    class _EndsTheOther(Resource):
        """A resource that is released after the volumes."""

        shared = True

        def release(self, _engine, record):
            if record.intent == "start":
                assert host.agent("stop", "other").returncode == 0

    monkeypatch.setattr(held, "HELD", (_EndsTheOther(), *held.HELD[:-2], held.HELD[-1]))
    with host.open() as engine, hold(engine, host.record().id, "test") as record:
        assert (record.status, record.intent) == ("configured", "")
    assert host.mounts() == []


def test_all_that_fails_to_be_released_is_told(host, marks, monkeypatch):
    """A resource that cannot be released does not block the others, and the error names it and the reason."""
    want(host, "started", *FOREVER)
    stuck = _Mark(marks)
    monkeypatch.setattr(stuck, "name", "stuck")
    monkeypatch.setattr(
        stuck, "release", lambda _engine, _record: (never for never in ()).throw(OSError(16, "busy"))
    )
    with monkeypatch.context() as patch:
        patch.setattr(held, "HELD", (*held.HELD, stuck))
        with pytest.raises(EngineError, match=r"stuck: .*busy"):
            want(host, "stopped")
    assert (names(marks), host.mounts()) == ([], [])
    want(host, "stopped")
    assert host.inspect()["State"]["Status"] == "exited"
