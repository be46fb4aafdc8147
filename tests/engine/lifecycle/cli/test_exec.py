# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway exec`` as users and scripts call it."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import time

import pytest

from _engine.kernel.cgroup import cgroups
from _engine.lifecycle.resources.cgroup import cgroup_of
from enginehost import eventually

FOREVER = ("sleep", "1000")


@pytest.fixture
def call(host):
    """Return the function that runs ``slipway exec`` with arguments."""
    host.start(*FOREVER)
    program = f"{host.layout.agent}/current/slipway"

    def call(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run([program, "exec", *arguments], check=False, capture_output=True, input=stdin)

    return call


def test_streams_and_exit_code(call):
    """Output is passed through, and the exit code is the command's."""
    done = call("box", "sh", "-c", "echo out; echo err >&2; exit 7")
    assert (done.returncode, done.stdout, done.stderr) == (7, b"out\n", b"err\n")


def test_input_only_when_asked(call):
    """Without -i the command has no input; with it, the caller's, byte for byte."""
    data = bytes(range(256)) * 1000
    assert call("box", "cat", stdin=data).stdout == b""
    assert call("-i", "box", "cat", stdin=data).stdout == data


def test_options(call):
    """User, directory and environment are applied; the command's own options are left to it."""
    done = call("-u", "1000", "-w", "/tmp", "-e", "A=b=c", "box", "sh", "-c", "id -u; pwd; echo $A", "-e")
    assert done.stdout.split() == [b"1000", b"/tmp", b"b=c"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("box", "nowhere"), 127, "nowhere"),
        (("box", "/etc"), 126, "ermi"),
        (("-w", "/none", "box", "true"), 127, "slipway: --workdir: '/none' does not exist in the container"),
        (("-w", "/etc/passwd", "box", "true"), 126, "is not a directory in the container"),
        (("bix", "true"), 125, "near: box"),
        (("box",), 125, "names no program"),
        (("-e", "A", "box", "true"), 125, "NAME=VALUE"),
        (("-t", "box", "true"), 125, "not a terminal"),
        (("-d", "box", "nowhere"), 127, "nowhere"),
    ],
)
def test_exit_codes_of_what_never_began(call, arguments, code, words):
    """A command that cannot run has podman's exit code and an error with the reason."""
    done = call(*arguments)
    assert done.returncode == code, done
    assert words in done.stderr.decode()


def test_detached(host, call):
    """With -d the session id is printed, and the command continues."""
    session = call("-d", "box", "sh", "-c", "while [ ! -e /go ]; do sleep 0.05; done").stdout.decode().strip()
    assert host.inspect()["ExecIDs"] == [session]
    assert call("box", "touch", "/go").returncode == 0
    eventually(lambda: host.inspect()["ExecIDs"] == [], "it has ended")


def test_terminal(host, call):
    """With -it the command uses the caller's terminal."""
    call("box", "true")
    main, replica = pty.openpty()
    program = f"{host.layout.agent}/current/slipway"
    argv = [program, "exec", "-it", "box", "sh", "-c", "test -t 0 && read line && echo got $line"]
    with subprocess.Popen(
        argv, stdin=replica, stdout=replica, stderr=replica, start_new_session=True
    ) as process:
        os.close(replica)
        said = b""
        os.write(main, b"word\n")
        deadline = time.monotonic() + 30
        while b"got word" not in said and time.monotonic() < deadline:
            said += os.read(main, 1024)
        assert process.wait(30) == 0
    os.close(main)
    assert b"got word" in said


def test_ended_from_outside(host, call):
    """TERM is forwarded to the command, and no session is left."""
    call("box", "true")
    program = f"{host.layout.agent}/current/slipway"
    argv = [
        program,
        "exec",
        "box",
        "sh",
        "-c",
        "trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done",
    ]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"ready\n"
        process.terminate()
        assert process.wait(30) == 9
    assert host.inspect()["ExecIDs"] == []


def others(host) -> list[int]:
    """Return the processes of the container except its first."""
    record = host.record("box")
    with host.open(read_only=True) as engine:
        return [pid for pid in cgroups.processes(cgroup_of(engine, record)) if pid != record.process.pid]


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_ended_at_any_time(host, call, signum):
    """At any time, also during the command's start, a signal ends all of it, and the caller does not hang."""
    call("box", "true")
    argv = [f"{host.layout.agent}/current/slipway", "exec", "box", "sh", "-c", "sleep 1000; :"]
    for step in range(6):
        with subprocess.Popen(argv, start_new_session=True) as process:
            if step == 0:
                eventually(lambda: len(others(host)) >= 2, "the command runs")
            time.sleep(0.05 * step)  # the moment is the case
            process.send_signal(signum)
            try:
                assert process.wait(30) != 0
            finally:
                process.kill()
        eventually(lambda: others(host) == [], f"nothing runs any more after a signal at step {step}")


def test_what_a_command_leaves_in_the_background_is_not_waited_for(host, call):
    """The caller's output ends with the command, even if a child of the command keeps its own open."""
    done = call("-i", "box", "sh", "-c", "sleep 4718 & cat; exit 3", stdin=b"abc")
    assert (done.returncode, done.stdout) == (3, b"abc")
    assert call("box", "sh", "-c", "ps | grep -c '[s]leep 4718'").stdout == b"1\n"


def test_interrupted(host, call):
    """Ctrl-C reaches the command."""
    call("box", "true")
    argv = [f"{host.layout.agent}/current/slipway", "exec", "box", "sh", "-c"]
    script = "trap 'exit 7' INT; echo ready; while :; do sleep 0.05; done"
    with subprocess.Popen([*argv, script], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 7


def test_a_reader_that_has_gone(host, call):
    """The command gets SIGPIPE as if it wrote to the reader directly."""
    call("box", "true")
    argv = [f"{host.layout.agent}/current/slipway", "exec", "box", "sh", "-c"]
    with subprocess.Popen([*argv, "while :; do echo y; done"], stdout=subprocess.PIPE) as process:
        assert process.stdout.read(2) == b"y\n"
        process.stdout.close()
        assert process.wait(30) == 128 + signal.SIGPIPE
