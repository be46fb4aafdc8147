# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands in containers that run: what they get, how they end, and that nothing of them stays."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from _engine.agent.install import exec_exit_command
from _engine.errors import CommandTimeout, InvalidOption, NotFound, RuntimeFailed, WrongState
from _engine.kernel.process import Process
from _engine.lifecycle.exec import detached
from _engine.lifecycle.exec import exec as execution
from _engine.model.container.execution import ExecSpec
from _engine.state import events
from _engine.state import execs as sessions
from enginehost import eventually

FOREVER = ("sleep", "1000")
ACCOUNTS = (
    "printf 'root:x:0:0::/root:/bin/sh\\nann:x:7:8::/home/ann:/bin/sh\\n' >/etc/passwd; exec sleep 1000"
)


@pytest.fixture
def run(host):
    """Return the function that runs a command in a container and returns how it ended."""

    def run(
        *argv: str, name: str = "box", stdin: bytes = b"", timeout: float | None = None, **options: object
    ):
        spec = ExecSpec.parse({"argv": list(argv), **options})
        with host.open() as engine:
            return execution.execute(engine, name, spec, stdin=stdin, timeout=timeout)[1]

    return run


def known_sessions(host) -> list[str]:
    """Return the argument lists of the sessions that the database knows."""
    with host.open(read_only=True) as engine, engine.database.reading() as connection:
        return [" ".join(one.argv) for one in sessions.of(connection, host.record().id)]


def running(text: str) -> list[int]:
    """Return the processes on this host that have the text in their arguments."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/cmdline", "rb") as stream:
                words = stream.read()
        except OSError:
            continue
        if text.encode() in words and int(name) != os.getpid():
            found.append(int(name))
    return found


def test_exit_code_and_both_streams(host, run):
    """A command's own exit code, stdout and stderr come back apart, byte by byte."""
    host.start(*FOREVER)
    done = run("sh", "-c", "printf 'a\\377'; echo oh >&2; exit 7")
    assert (done.code, done.stdout, done.stderr) == (7, b"a\xff", b"oh\n")


def test_killed_command_has_128_and_the_signal(host, run):
    """A command that a signal killed ends with 128 and its number, as in a shell."""
    host.start(*FOREVER)
    assert run("sh", "-c", "kill -9 $$").code == 137


def test_stdin_is_handed_on_whole(host, run):
    """A megabyte of any bytes goes in and comes out."""
    host.start(*FOREVER)
    data = bytes(range(256)) * 3000
    assert run("cat", stdin=data).stdout == data


def test_environment_directory_and_user(host, run):
    """The container's environment holds, with the command's own on top; user and directory are as asked."""
    host.start("sh", "-c", ACCOUNTS, env={"MODE": "live", "SEEN": "yes"})
    eventually(lambda: b"ann" in run("cat", "/etc/passwd").stdout, "passwd is written")
    said = run(
        "sh",
        "-c",
        "id -u; id -g; pwd; echo $MODE $SEEN $HOME",
        user="ann",
        workdir="/tmp",
        env={"MODE": "dry"},
    )
    assert said.stdout.decode().split() == ["7", "8", "/tmp", "dry", "yes", "/home/ann"]
    assert run("sh", "-c", "echo $HOME").stdout == b"/root\n"


def test_home_of_the_spec_stays(host, run):
    """A HOME that was asked for is not changed by another user."""
    host.start("sh", "-c", ACCOUNTS, env={"HOME": "/srv"})
    assert run("sh", "-c", "echo $HOME", user="7").stdout == b"/srv\n"


def test_capabilities(host, run):
    """Root has what the container has, another user none, and privileged all that the host has."""
    host.start(*FOREVER, cap_drop=["ALL"], cap_add=["NET_RAW"])

    def effective(**options: object) -> int:
        line = run("grep", "CapEff", "/proc/self/status", **options).stdout
        return int(line.split()[1], 16)

    assert effective() == 1 << 13
    assert effective(user="5") == 0
    assert effective(privileged=True) > 1 << 13


def test_terminal(host, run):
    """With tty the command has a terminal, and both streams come as one."""
    host.start(*FOREVER)
    done = run(
        "sh", "-c", "test -t 0 && test -t 1 && echo yes; read line; echo got $line", tty=True, stdin=b"word\n"
    )
    assert done.code == 0
    assert done.stdout.decode().splitlines()[-2:] == ["yes", "got word"] or b"got word" in done.stdout


@pytest.mark.parametrize("tty", [False, True])
def test_timeout_kills_the_command_and_what_it_started(host, run, tty):
    """When the time is over nothing of the command runs on."""
    host.start(*FOREVER)
    begin = time.monotonic()
    with pytest.raises(CommandTimeout, match="did not exit"):
        run("sh", "-c", "sleep 4711 & sleep 4712", timeout=0.7, tty=tty)
    assert time.monotonic() - begin < 20
    eventually(lambda: not running("sleep\x00471"), "both sleeps are gone")
    assert known_sessions(host) == []


@pytest.mark.parametrize("background", ["sleep 4716", "trap '' TERM; while :; do echo more; done"])
def test_what_a_command_leaves_in_the_background_is_not_waited_for(host, run, background):
    """The command's end counts, with all that it said until then, though a child of it holds its output, or goes on writing."""
    host.start(*FOREVER)
    begin = time.monotonic()
    done = run("sh", "-c", f"({background}) & head -c 60000 /dev/zero | tr '\\0' x; echo; exit 3", timeout=20)
    assert time.monotonic() - begin < 15
    assert done.code == 3
    assert done.stdout.count(b"x") == 60000
    assert known_sessions(host) == []
    assert "more" in background or running("sleep\x004716")


@pytest.mark.parametrize(
    ("argv", "options", "code"),
    [
        (["nowhere"], {}, 127),
        (["/etc"], {}, 126),
        (["/bin/true"], {"workdir": "/none"}, 127),
        (["/bin/true"], {"workdir": "/bin/busybox"}, 126),
        (["nowhere"], {"tty": True}, 127),
    ],
)
def test_what_never_began(host, run, argv, options, code):
    """A program that is not there is 127, one that can't run 126, all else 125; nothing of it is left."""
    host.start(*FOREVER)
    with pytest.raises((RuntimeFailed, InvalidOption)) as caught:
        run(*argv, **options)
    assert caught.value.fields["rc"] == code
    assert "workdir" not in options or str(caught.value).startswith(f"workdir: '{options['workdir']}' is n")
    assert known_sessions(host) == []


def test_unknown_user_runs_nothing(host, run):
    """A user who is not in the container's passwd is named."""
    host.start(*FOREVER)
    with pytest.raises(InvalidOption, match="nobody-here"):
        run("touch", "/made", user="nobody-here")
    assert run("sh", "-c", "test -e /made").code == 1


def test_refused_where_nothing_runs(host, run):
    """An unknown container tells the near name; one that has ended and one never started say what to do."""
    host.start(*FOREVER)
    with pytest.raises(NotFound, match="near: box"):
        run("true", name="bix")
    host.bring("box", "stopped", stop_time=0)
    with pytest.raises(WrongState, match="Start it first"):
        run("true")
    host.want("created", *FOREVER, name="new")
    with pytest.raises(WrongState, match="Start it first"):
        run("true", name="new")


def test_secrets_stand_in_no_argument_list(host, run):
    """Environment and command go through a file that root alone can read, and that goes with the command."""
    host.start(*FOREVER)
    looked = run("sh", "-c", "echo $PASSWORD; sleep 0.2", env={"PASSWORD": "hush-4713"})
    assert looked.stdout == b"hush-4713\n"
    assert not running("hush-4713")
    assert os.listdir(f"{host.layout.container(host.record().id).run}/exec") == []


CHILD = """
import sys
from enginehost import Host
from pathlib import Path
from hybrid import without_hybrid
from _engine.lifecycle.exec import exec as execution
from _engine.model.container.execution import ExecSpec
host = Host(Path(sys.argv[1]), sys.argv[2], "localhost/box:1")
with without_hybrid(host.layout.cgroup_parent), host.open() as engine:
    execution.execute(engine, "box", ExecSpec.parse({"argv": ["sleep", "4714"]}))
"""


def test_killed_exec_is_cleared_by_the_next(host, run, python_child):
    """The row of an exec whose caller was killed stays as long as its command runs; the next exec clears it then."""
    host.start(*FOREVER)
    child = python_child(CHILD, host.top, host.runtime)
    [pid] = eventually(lambda: running("sleep\x004714"), "the command runs")
    told = Path(host.layout.container(host.record().id).run, "exec")
    eventually(lambda: any(map(os.path.getsize, told.glob("*/pid"))), "the runtime has told its pid")
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    eventually(lambda: run("true").code == 0, "another exec")
    assert known_sessions(host) == ["sleep 4714"]
    process = Process.of(pid)
    process.signal(signal.SIGKILL)
    assert process.wait_gone(5)
    eventually(lambda: run("true").code == 0 and not known_sessions(host), "the row is gone")


def test_sessions_go_with_the_container(host, python_child):
    """A container that ends takes its execs with it, rows and files."""
    host.start(*FOREVER)
    child = python_child(CHILD, host.top, host.runtime)
    eventually(lambda: running("sleep\x004714"), "the command runs")
    os.kill(child.pid, signal.SIGKILL)
    host.bring("box", "stopped", stop_time=0)
    assert known_sessions(host) == []
    assert not running("sleep\x004714")


@pytest.fixture
def detach(host):
    """Return the function that starts a command without waiting for it, and returns the session's id."""

    def detach(*argv: str, **options: object) -> str:
        with host.open() as engine:
            spec = ExecSpec.parse({"argv": list(argv), **options})
            return detached.detach(engine, "box", spec, exec_exit_command(engine))

    return detach


def died(host, session: str) -> dict[str, str] | None:
    """Return what the event of a session's end tells."""
    with host.open(read_only=True) as engine, engine.database.reading() as connection:
        told = [event for event in events.read(connection) if event.action == "exec_died"]
    return next((event.attributes for event in told if event.attributes["exec_id"] == session), None)


def test_detached_command_is_listed_and_its_end_is_told(host, detach):
    """A detached command stands in ExecIDs, also in a task's result, as long as it runs; then an event tells its exit code."""
    host.start(*FOREVER)
    session = detach("sh", "-c", "while [ ! -e /go ]; do sleep 0.05; done; exit 5")
    assert host.inspect()["ExecIDs"] == [session]
    assert host.bring("box", "started").result["container"] == host.inspect()
    detach("touch", "/go")
    assert eventually(lambda: died(host, session), "its end is told")["exit_code"] == "5"
    eventually(lambda: host.inspect()["ExecIDs"] == [], "no session")
    assert os.listdir(f"{host.layout.container(host.record().id).run}/exec") == []


@pytest.mark.parametrize(("program", "code"), [("nowhere", 127), ("/etc", 126)])
def test_detached_command_that_never_began(host, detach, program, code):
    """What can't be started is told at once, and leaves no session."""
    host.start(*FOREVER)
    with pytest.raises(RuntimeFailed) as caught:
        detach(program)
    assert caught.value.fields["rc"] == code
    assert host.inspect()["ExecIDs"] == []


def test_detached_command_goes_with_the_container(host, detach):
    """A stop ends the detached commands as well."""
    host.start(*FOREVER)
    detach("sleep", "4715")
    host.bring("box", "stopped", stop_time=0)
    assert host.inspect()["ExecIDs"] == []
    eventually(lambda: not running("4715"), "the command is gone")


def test_detached_command_whose_monitor_was_killed(host, run, detach):
    """Without its conmon nobody sees how a command ended; its session goes with the next exec once it has."""
    host.start(*FOREVER)
    session = detach("sleep", "4716")
    for pid in running(f"{session}\0"):
        os.kill(pid, signal.SIGKILL)
    assert run("true").code == 0
    assert host.inspect()["ExecIDs"] == [session]
    [pid] = running("sleep\x004716")
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: run("true").code == 0 and host.inspect()["ExecIDs"] == [], "the session is gone")


def test_many_execs_leave_nothing(host, run):
    """A hundred execs leave no process, file, row or descriptor."""
    host.start(*FOREVER)
    run("true")
    before, descriptors = host.leftovers(), len(os.listdir("/proc/self/fd"))
    for number in range(100):
        assert run("sh", "-c", f"exit {number % 3}").code == number % 3
    assert host.leftovers() == before
    assert len(os.listdir("/proc/self/fd")) == descriptors
