# SPDX-License-Identifier: GPL-3.0-or-later
"""Restarting (seed: restartWithTimeout), stopping and killing on a real kernel."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from _engine.errors import EngineError, WrongState
from _engine.kernel.process import Process, find_by_argument, leads_namespace
from _engine.lifecycle.container import kill as killing
from _engine.lifecycle.container import stop as stopping
from _engine.lifecycle.container.restart import restart
from enginehost import eventually, failing_hook

#: Exits at once when asked to, prints how often it was started, and shows by its exit code that it was not killed.
SERVER = (
    "sh",
    "-c",
    "echo >>/runs; trap 'exit 7' TERM; trap 'echo reloaded' HUP; echo run $(wc -l </runs); while :; do sleep 0.02; done",
)


@pytest.fixture
def do(host):
    """Return the function that runs a verb on the container by the command line."""

    def do(verb, *arguments, name="box", **options):
        with host.open(runtime=None) as engine:
            return verb(engine, host.record(name).id, *arguments, **options)

    return do


def events(host):
    """Return the container's events, in order."""
    from _engine.state import events as rows

    with host.open(read_only=True) as engine, engine.database.reading() as connection:
        return [event.action for event in rows.read(connection) if event.id == host.record().id]


def test_restarted(host, do, agent):
    """Everything is torn down and set up again: another process and conmon, the same root file system."""
    before = host.start(*SERVER, volume=["data:/data"])["State"]
    host.said("run 1")
    record = do(restart, agent)
    host.said("run 2")
    assert (record.status, host.inspect()["State"]["Status"]) == ("running", "running")
    assert record.process.pid != before["Pid"]
    assert record.monitor.pid != before["ConmonPid"]
    container = host.layout.container(record.id)
    # The old conmon has written the exit file, and waits for the agent, which finds nothing left to do.
    eventually(lambda: len(find_by_argument(container.conmon_pid_file)) == 1, "the old conmon has gone")
    assert [name for name in events(host) if name in ("start", "restart", "stop")] == [
        "start",
        "restart",
        "stop",
        "start",
    ]
    assert host.record().stopped_by_user is False


@pytest.mark.parametrize("status", ["configured", "exited"])
def test_what_does_not_run_is_started(host, do, agent, status):
    """Restarting a container that does not run starts it."""
    host.want("created", *SERVER)
    if status == "exited":
        host.bring("box", "started")
        host.bring("box", "stopped")
    assert do(restart, agent).status == "running"


def test_killed_after_the_timeout(host, do, agent):
    """A process that does not exit by itself is killed after the given timeout."""
    before = host.start("sleep", "1000", stop_timeout=1000)["State"]["Pid"]
    assert do(restart, agent, timeout=0).process.pid != before


@pytest.mark.parametrize("how", [signal.SIGSTOP, signal.SIGKILL])
def test_an_old_monitor_does_not_block(host, do, agent, how):
    """A dead or hanging conmon does not block a restart, and does not outlive it."""
    state = host.start(*SERVER)["State"]
    host.said("run 1")
    monitor = Process.of(state["ConmonPid"])
    monitor.signal(how)
    begin = time.monotonic()
    record = do(restart, agent)
    assert time.monotonic() - begin < 30
    assert record.status == "running"
    assert record.monitor.pid != monitor.pid
    assert monitor.wait_gone(10)
    host.said("run 2")


def test_a_hung_monitor_leaves_an_unknown_exit_code(host, do):
    """No exit code is invented for a container whose conmon hung."""
    state = host.start(*SERVER)["State"]
    host.said("run 1")
    Process.of(state["ConmonPid"]).signal(signal.SIGSTOP)
    record = do(stopping.stop, None)
    assert (record.status, record.exit_code) == ("exited", None)
    eventually(lambda: host.processes() == [], "no process is left")


def test_what_can_not_start_is_not_stopped(host, agent):
    """A restart whose start is known to fail leaves the container running."""
    pid = host.start(*SERVER)["State"]["Pid"]
    with (
        pytest.raises(EngineError, match="conmon"),
        host.open(conmon="/nosuch/conmon", runtime=None) as engine,
    ):
        restart(engine, host.record().id, agent)
    assert (host.inspect()["State"]["Pid"], host.record().start_pending) == (pid, False)


def test_a_failed_start_leaves_it_stopped(host, do, agent, tmp_path):
    """A restart whose start fails leaves no partial run, reports why, and works once the cause is gone."""
    host.start(*SERVER, hooks_dir=[str(tmp_path)])
    host.said("run 1")
    failing_hook(tmp_path)
    with pytest.raises(EngineError) as caught:
        do(restart, agent)
    assert "hook" in str(caught.value)
    assert host.inspect()["State"]["Status"] == "exited"
    assert host.mounts() == []
    (tmp_path / "hook.json").unlink()
    assert do(restart, agent).status == "running"


@pytest.mark.parametrize(
    ("number", "wish"), [(signal.SIGTERM, True), (signal.SIGKILL, True), (signal.SIGHUP, False)]
)
def test_signals(host, do, number, wish):
    """The stop signal and KILL count as a stop by the user, HUP does not; in libpod any signal does."""
    host.start(*SERVER)
    host.said("run 1")
    do(killing.kill, number)
    if number == signal.SIGHUP:
        host.said("reloaded")
        assert host.inspect()["State"]["Status"] == "running"
    else:
        assert host.ended()["State"]["ExitCode"] == (7 if number == signal.SIGTERM else 137)
    assert host.record().stopped_by_user is wish


def test_no_wish_when_the_engine_kills(host, do):
    """A kill by the engine (a failed health check) does not count as a stop by the user."""
    host.start(*SERVER)
    do(killing.kill, signal.SIGKILL, wish=False)
    host.ended()
    assert host.record().stopped_by_user is False


def test_a_signal_for_what_does_not_run(host, do):
    """An exited container gets no signal; the error has its state."""
    host.want("created", *SERVER)
    with pytest.raises(WrongState, match="box is configured"):
        do(killing.kill, signal.SIGTERM)


def test_a_stop_does_not_block_a_read(host, do):
    """While a stop waits for its container, others can read it and even take its lock."""
    host.start("sleep", "1000", stop_timeout=1000)
    identity = host.record().id

    def stop():
        with host.open() as engine:
            stopping.stop(engine, identity, None)

    waiting = threading.Thread(target=stop)
    waiting.start()
    eventually(lambda: host.record().stopped_by_user, "the stop has begun")
    begin = time.monotonic()
    assert host.inspect()["State"]["Status"] == "running"
    with host.open() as engine, engine.lock_container(identity, "test"):
        pass
    assert time.monotonic() - begin < 5
    assert waiting.is_alive()
    do(killing.kill, signal.SIGKILL)
    waiting.join(30)
    assert not waiting.is_alive()
    assert host.inspect()["State"]["Status"] == "exited"


def test_without_a_pid_namespace_all_processes_end(host, do):
    """Without its own PID namespace, each process gets the stop signal, and remaining ones are killed."""
    script = (
        "(trap 'echo child; exit' TERM; echo up; while :; do sleep 0.02; done) & child=$!; (trap '' TERM; sleep 1000) &"
        " trap 'wait $child; exit 7' TERM; echo ready; while :; do sleep 0.02; done"
    )
    host.start("sh", "-c", script, pid="host")
    eventually(lambda: {"up", "ready"} <= {*host.log()[0].splitlines()}, "both have their traps")
    record = host.record()
    assert not leads_namespace(record.process.pid)
    after = do(stopping.stop, None)
    assert (after.status, after.exit_code) == ("exited", 7)
    assert "child" in host.log()[0].splitlines()
    assert not Path(f"/proc/{record.process.pid}").exists()
    eventually(lambda: host.processes() == [], "no process is left")
    assert os.listdir(host.layout.runtime_root) == []


def test_without_a_pid_namespace_all_are_killed(host, do):
    """KILL kills all processes, including those that the first process left behind."""
    host.start("sh", "-c", "(trap '' TERM; sleep 1000) & echo ready; sleep 1000", pid="host")
    host.said("ready")
    do(killing.kill, signal.SIGKILL)
    assert host.ended()["State"]["ExitCode"] == 137
    eventually(lambda: host.processes() == [], "no process is left")
