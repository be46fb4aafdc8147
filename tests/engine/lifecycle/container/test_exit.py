# SPDX-License-Identifier: GPL-3.0-or-later
"""How containers exit, and what is known about it afterwards."""

from __future__ import annotations

import os
import signal
import time

import pytest

from _engine.kernel.process import Process
from enginehost import eventually

#: A server that reports when it can be stopped, and which signal it got.
SERVER = (
    "sh",
    "-c",
    'for s in INT TERM USR1; do trap "echo got $s; exit 7" $s; done; echo ready; while :; do sleep 0.05; done',
)


@pytest.mark.parametrize("code", [0, 1, 137])
def test_exit_codes(host, code):
    """The exit code of a container that exits by itself is reported, and its cleanup happens by itself."""
    host.start("sh", "-c", f"exit {code}")
    state = host.ended()["State"]
    assert (state["ExitCode"], state["OOMKilled"], state["Pid"]) == (code, False, 0)
    assert eventually(lambda: host.mounts() == [] and host.processes() == [], "cleaned up by the agent")


def kill(pid: int) -> None:
    """Kill a process and wait until it is gone."""
    process = Process.of(pid)
    process.signal(signal.SIGKILL)
    assert process.wait_gone(10)


def test_exit_that_nobody_saw(host):
    """Without conmon the exit code is None, not 0, and the container can be stopped, started and removed."""
    state = host.start("sleep", "1000")["State"]
    kill(state["ConmonPid"])
    assert host.inspect()["State"]["Status"] == "running"
    kill(state["Pid"])
    assert host.inspect()["State"]["ExitCode"] is None
    assert host.bring("box", "stopped").actions == ()
    assert host.bring("box", "started").actions == ("started box",)
    again = host.inspect()["State"]
    assert (again["Status"], again["ExitCode"]) == ("running", 0)
    assert host.bring("box", "absent", stop_time=0).actions == ("stopped box", "removed box")


def test_stop_without_monitor(host):
    """A container that lost its conmon can be stopped; its exit code is unknown, and nothing stays mounted."""
    state = host.start(*SERVER)["State"]
    host.said("ready")
    kill(state["ConmonPid"])
    assert host.bring("box", "stopped").actions == ("stopped box",)
    ended = host.inspect()["State"]
    assert (ended["Status"], ended["ExitCode"]) == ("exited", None)
    assert host.mounts() == []


def test_out_of_memory(host):
    """A container that the kernel killed because it ran out of memory says so."""
    host.start("/bin/busybox", "tail", "/dev/zero", memory="16m", memory_swap="16m")
    state = host.ended()["State"]
    assert (state["ExitCode"], state["OOMKilled"]) == (137, True)


@pytest.mark.parametrize(
    ("of_image", "of_spec", "name"),
    [(None, None, "TERM"), ("SIGINT", None, "INT"), ("SIGINT", "USR1", "USR1")],
)
def test_stop_signal(host, built, busybox, of_image, of_spec, name):
    """The stop signal is the spec's, else the image's, else TERM; the process determines its exit code."""
    image = built("localhost/signal:1", busybox, **({"StopSignal": of_image} if of_image else {}))
    options = {"stop_signal": of_spec} if of_spec else {}
    host.start(*SERVER, image=image, **options)
    host.said("ready")
    assert host.bring("box", "stopped").actions == ("stopped box",)
    state = host.inspect()["State"]
    assert (state["Status"], state["ExitCode"]) == ("exited", 7)
    assert host.log()[0] == f"ready\ngot {name}\n"
    assert host.bring("box", "stopped").actions == ()


@pytest.mark.parametrize(("of_spec", "of_task"), [(1, None), (1000, 1), (1000, 0)])
def test_kill_after_the_timeout(host, of_spec, of_task):
    """A process that ignores the stop signal is killed after the timeout, the task's or else the spec's."""
    host.start("sleep", "1000", stop_timeout=of_spec)
    begin = time.monotonic()
    host.bring("box", "stopped", stop_time=of_task)
    seconds = of_spec if of_task is None else of_task
    assert seconds <= time.monotonic() - begin < seconds + 10
    state = host.inspect()["State"]
    assert (state["Status"], state["ExitCode"], state["OOMKilled"]) == ("exited", 137, False)


def test_log_has_both_streams(host):
    """The log has stdout and stderr separately, each line whole, and an incomplete one too."""
    host.start("sh", "-c", "echo one; echo two >&2; echo three; printf end")
    host.ended()
    assert host.log() == ("one\nthree\nend", "two\n")


@pytest.mark.parametrize("rm", [False, True])
@pytest.mark.parametrize("code", [0, 3])
def test_run_in_the_foreground(host, rm, code):
    """With detach false the task waits, returns code and output, and with rm removes container and volume."""
    script = f"sleep 0.2; echo out; echo err >&2; exit {code}"
    outcome = host.want("started", "sh", "-c", script, detach=False, rm=rm, volume=["/anon"])
    assert [outcome.result[key] for key in ("rc", "stdout", "stderr")] == [code, "out\n", "err\n"]
    assert host.mounts() == []
    if rm:
        assert outcome.result["container"] == host.inspect() == {}
        assert host.volumes() == []
    else:
        assert outcome.result["container"]["State"]["ExitCode"] == host.inspect()["State"]["ExitCode"] == code
        assert len(host.volumes()) == 1


def test_removed_after_its_end(host):
    """With rm, the agent removes a container in the background, and its anonymous volume, after its exit."""
    host.start("sleep", "0.5", rm=True, volume=["/anon", "kept:/kept"])
    assert host.inspect()["State"]["Status"] == "running"
    eventually(lambda: host.inspect() == {}, "removed by the agent")
    eventually(lambda: host.volumes() == ["kept"], "the anonymous volume is removed")


def test_survives_its_task(host, python_child):
    """A container outlives the process that started it, in its own session."""
    script = "import sys\nfrom enginehost import Host\nfrom pathlib import Path\nhost = Host(Path(sys.argv[1]), *sys.argv[2:])\n"
    with python_child(script + "host.start('sleep', '1000')", host.top, host.runtime, host.image) as child:
        assert child.wait(30) == 0
    state = host.inspect()["State"]
    assert state["Status"] == "running"
    assert os.getsid(state["ConmonPid"]) != os.getsid(0)


def test_run_in_the_foreground_again(host):
    """A second run in the foreground returns its own output, though the log has that of both."""
    said = [
        host.want("started", "sh", "-c", "echo x", detach=False).result["stdout"] for _ignored in range(2)
    ]
    assert said == ["x\n", "x\n"]
    assert host.log()[0] == "x\nx\n"
