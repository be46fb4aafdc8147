# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands in running containers: their environment, exit status and clean-up."""

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
    """Return a function that runs a command in a container and returns its exit code and output."""

    def run(
        *argv: str, name: str = "box", stdin: bytes = b"", timeout: float | None = None, **options: object
    ):
        spec = ExecSpec.parse({"argv": list(argv), **options})
        with host.open() as engine:
            return execution.execute(engine, name, spec, stdin=stdin, timeout=timeout)[1]

    return run


def known_sessions(host) -> list[str]:
    """Return the argument lists of the sessions in the database."""
    with host.open(read_only=True) as engine, engine.database.reading() as connection:
        return [" ".join(one.argv) for one in sessions.of(connection, host.record().id)]


def running(text: str) -> list[int]:
    """Return the PIDs of this host's processes with the text in their arguments."""
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
    """A command's exit code, stdout and stderr are returned separately and unchanged."""
    host.start(*FOREVER)
    done = run("sh", "-c", "printf 'a\\377'; echo oh >&2; exit 7")
    assert (done.code, done.stdout, done.stderr) == (7, b"a\xff", b"oh\n")


def test_killed_command_has_128_and_the_signal(host, run):
    """A command that a signal killed has exit code 128 plus the signal's number, as in a shell."""
    host.start(*FOREVER)
    assert run("sh", "-c", "kill -9 $$").code == 137


def test_stdin_is_handed_on_whole(host, run):
    """Nearly a megabyte of arbitrary bytes passes through unchanged."""
    host.start(*FOREVER)
    data = bytes(range(256)) * 3000
    assert run("cat", stdin=data).stdout == data


def test_environment_directory_and_user(host, run):
    """The command's environment overrides the container's; user and directory are as requested."""
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
    """HOME of the spec is kept for another user."""
    host.start("sh", "-c", ACCOUNTS, env={"HOME": "/srv"})
    assert run("sh", "-c", "echo $HOME", user="7").stdout == b"/srv\n"


def test_capabilities(host, run):
    """Root has the container's capabilities, another user none, and privileged all of the host's."""
    host.start(*FOREVER, cap_drop=["ALL"], cap_add=["NET_RAW"])

    def effective(**options: object) -> int:
        line = run("grep", "CapEff", "/proc/self/status", **options).stdout
        return int(line.split()[1], 16)

    assert effective() == 1 << 13
    assert effective(user="5") == 0
    assert effective(privileged=True) > 1 << 13


def test_terminal(host, run):
    """With tty the command has a terminal, and both streams are returned as one."""
    host.start(*FOREVER)
    done = run(
        "sh", "-c", "test -t 0 && test -t 1 && echo yes; read line; echo got $line", tty=True, stdin=b"word\n"
    )
    assert done.code == 0
    assert done.stdout.decode().splitlines()[-2:] == ["yes", "got word"] or b"got word" in done.stdout


@pytest.mark.parametrize("tty", [False, True])
def test_timeout_kills_the_command_and_what_it_started(host, run, tty):
    """A timeout kills the command and its children."""
    host.start(*FOREVER)
    begin = time.monotonic()
    with pytest.raises(CommandTimeout, match="did not exit"):
        run("sh", "-c", "sleep 4711 & sleep 4712", timeout=0.7, tty=tty)
    assert time.monotonic() - begin < 20
    eventually(lambda: not running("sleep\x00471"), "both sleeps are gone")
    assert known_sessions(host) == []


@pytest.mark.parametrize("background", ["sleep 4716", "trap '' TERM; while :; do echo more; done"])
def test_what_a_command_leaves_in_the_background_is_not_waited_for(host, run, background):
    """The command's exit counts, with its output until then, although a child keeps the output open."""
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
    """A missing program gives 127 and one that cannot be executed 126; no session is left."""
    host.start(*FOREVER)
    with pytest.raises((RuntimeFailed, InvalidOption)) as caught:
        run(*argv, **options)
    assert caught.value.fields["rc"] == code
    assert "workdir" not in options or str(caught.value).startswith(f"workdir: '{options['workdir']}' ")
    assert known_sessions(host) == []


def test_unknown_user_runs_nothing(host, run):
    """The error names a user that is not in the container's passwd."""
    host.start(*FOREVER)
    with pytest.raises(InvalidOption, match="nobody-here"):
        run("touch", "/made", user="nobody-here")
    assert run("sh", "-c", "test -e /made").code == 1


def test_refused_where_nothing_runs(host, run):
    """The error suggests a similar name for an unknown container, and a start for one that does not run."""
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
    """Environment and command are passed in a file, which is removed afterwards, and not as arguments."""
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
    """The row of an exec with a killed caller is kept while its command runs; the next exec removes it."""
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
    """A stop ends the container's exec sessions and removes their rows and files."""
    host.start(*FOREVER)
    child = python_child(CHILD, host.top, host.runtime)
    eventually(lambda: running("sleep\x004714"), "the command runs")
    os.kill(child.pid, signal.SIGKILL)
    host.bring("box", "stopped", stop_time=0)
    assert known_sessions(host) == []
    assert not running("sleep\x004714")


@pytest.fixture
def detach(host):
    """Return a function that starts a detached command and returns the session's id."""

    def detach(*argv: str, **options: object) -> str:
        with host.open() as engine:
            spec = ExecSpec.parse({"argv": list(argv), **options})
            return detached.detach(engine, "box", spec, exec_exit_command(engine))

    return detach


def died(host, session: str) -> dict[str, str] | None:
    """Return the attributes of a session's exec_died event, or None."""
    with host.open(read_only=True) as engine, engine.database.reading() as connection:
        told = [event for event in events.read(connection) if event.action == "exec_died"]
    return next((event.attributes for event in told if event.attributes["exec_id"] == session), None)


def test_detached_command_is_listed_and_its_end_is_told(host, detach):
    """A running detached command is in ExecIDs, also in a task's result; an event reports its exit code."""
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
    """A command that cannot be started fails at once and leaves no session."""
    host.start(*FOREVER)
    with pytest.raises(RuntimeFailed) as caught:
        detach(program)
    assert caught.value.fields["rc"] == code
    assert host.inspect()["ExecIDs"] == []


def test_detached_command_goes_with_the_container(host, detach):
    """A stop ends detached commands as well."""
    host.start(*FOREVER)
    detach("sleep", "4715")
    host.bring("box", "stopped", stop_time=0)
    assert host.inspect()["ExecIDs"] == []
    eventually(lambda: not running("4715"), "the command is gone")


def test_detached_command_whose_monitor_was_killed(host, run, detach):
    """If a command's conmon was killed, its session is removed by the next exec after the command's exit."""
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
