# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway connect``: the connection plugin's commands and files in running containers; nothing is left."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sqlite3
import subprocess
import time
from typing import Any, NamedTuple

import pytest

from _engine.agent.install import exit_command
from _engine.kernel.boot import is_marked
from _engine.kernel.process import Process
from _engine.model.connect import frames
from enginehost import eventually

FOREVER = ("sleep", "1000")
MARK = "mark-of-the-test "
KIB = 1024


class Answer(NamedTuple):
    """The program's response; ``error`` is its own message, after the one that it has begun."""

    rc: int
    stdout: bytes
    stderr: bytes
    error: dict[str, Any]


def head(verb: str, **request: Any) -> bytes:
    """Return the header of a request."""
    return frames.encode({"verb": verb, "name": "box", "mark": MARK, **request})


@pytest.fixture
def ask(host):
    """Return the function that sends a request to the agent."""
    with host.open() as engine:
        exit_command(engine, keep=False)

    def ask(verb: str, data: bytes = b"", **request: Any) -> Answer:
        done = subprocess.run(
            [host.layout.agent_program, "connect"],
            input=head(verb, **request) + data,
            capture_output=True,
            check=False,
            timeout=60,
        )
        said, *told = done.stderr.split(MARK.encode())
        lines = [part.partition(b"\n") for part in told]
        assert lines[0][0] == b"began"
        error = json.loads(lines[1][0]) if lines[1:] else {}
        return Answer(
            done.returncode, done.stdout, said + b"".join(rest for _first, _end, rest in lines), error
        )

    return ask


@pytest.fixture
def run(ask):
    """Return the function that runs a command in the container."""

    def run(*argv: str, data: bytes = b"", **request: Any) -> Answer:
        return ask("exec", data, argv=list(argv), **request)

    return run


@pytest.fixture
def put(ask):
    """Return the function that writes a whole file at once; ``segments`` are its data segments, if given."""

    def put(path: str, data: bytes, *, mode: int = 0o644, **request: Any) -> Answer:
        whole = {"segments": [[0, len(data)]], "size": len(data), "file": None}
        return ask("put", data, path=path, mode=mode, **{**whole, **request})

    return put


@pytest.fixture
def fetch(ask):
    """Return the function that requests a piece of a file; on success, ``error`` has the header."""

    def fetch(path: str, *, offset: int = 0, most: int = 1024 * KIB, **request: Any) -> Answer:
        answer = ask("fetch", path=path, offset=offset, most=most, file=None, **request)
        if answer.error:
            return answer
        header, data = frames.split(answer.stdout)
        return answer._replace(stdout=data, error=header)

    return fetch


def test_a_command_has_our_streams_and_its_own_exit_code(host, run):
    """Bytes pass unchanged, each stream separately; no row and no file of the command is left."""
    host.start(*FOREVER, stop_timeout=0)
    every = bytes(range(256)) * 5000
    before = host.leftovers()
    done = run("sh", "-c", "cat; echo to-stderr >&2; exit 7", data=every)
    assert (done.rc, done.stdout, done.stderr, done.error) == (7, every, b"to-stderr\n", {})
    assert run("sh", "-c", "kill -TERM $$").rc == 128 + signal.SIGTERM
    assert host.leftovers() == before


def test_a_command_gets_nothing_but_its_streams(host, run):
    """The descriptors for control and for the runtime's log are closed, and no signal is ignored."""
    host.start(*FOREVER, stop_timeout=0)
    names = run("sh", "-c", "ls /proc/$$/fd; true").stdout.split()
    assert set(names) <= {b"0", b"1", b"2"}
    status = run("cat", "/proc/self/status").stdout.decode()
    held = dict(line.split(":\t", 1) for line in status.splitlines())
    # The thread library reserves the first two real-time signals.
    assert (int(held["SigIgn"], 16) | int(held["SigBlk"], 16)) & ((1 << 31) - 1) == 0


def test_user_environment_and_directory(host, run):
    """As in podman-exec(1): the user's groups and home, and the environment on top of the container's."""
    host.start(*FOREVER, stop_timeout=0, env={"A": "own", "B": "kept"})
    command = "id -u; id -G; echo $HOME $A $B; pwd"
    said = run("sh", "-c", command, user="app", env={"A": "new"}, workdir="/tmp").stdout.decode()
    assert said.splitlines() == ["1000", "1000 2000", "/home/app new kept", "/tmp"]
    assert run("sh", "-c", "id -u; id -g", user="7:8").stdout == b"7\n8\n"
    assert run("true", user="nobody-here").error["error"] == "invalid_option"


def test_home_that_the_container_was_given_stays(host, run):
    """Another user's home is ignored if HOME was set."""
    host.start(*FOREVER, stop_timeout=0, env={"HOME": "/given"})
    assert run("sh", "-c", "echo $HOME", user="app").stdout == b"/given\n"


@pytest.mark.parametrize(
    ("request_", "rc"),
    [({"argv": ["/none"]}, 127), ({"argv": ["/etc"]}, 126), ({"argv": ["ls"], "workdir": "/none"}, 125)],
)
def test_a_command_that_never_began(host, ask, request_, rc):
    """It can be distinguished from one that exited with the same code."""
    host.start(*FOREVER, stop_timeout=0)
    answer = ask("exec", **request_)
    # crun silently ignores the missing directory, and fails at the command.
    expected = {rc, 127} if rc == 125 else {rc}
    assert answer.error["error"] == "runtime_failed"
    assert answer.error["rc"] in expected
    assert answer.rc == 125


def test_a_runtime_that_is_gone(host, run):
    """An error of the system is reported as our own, not as the command's."""
    host.start(*FOREVER, stop_timeout=0)
    database = sqlite3.connect(host.layout.database)
    (known,) = database.execute("SELECT runtime FROM containers").fetchone()
    try:
        with database:
            database.execute("UPDATE containers SET runtime = '/nosuch/runc'")
        error = run("true").error
    finally:
        with database:
            database.execute("UPDATE containers SET runtime = ?", (known,))
        database.close()
    assert error["error"] == "os_error"
    assert "/nosuch/runc" in error["msg"]


def test_containers_that_nothing_can_be_run_in(host, run):
    """Each is reported with a remedy; also one whose exit has not been observed yet."""
    assert run("true").error["error"] == "not_found"
    shape = host.start(*FOREVER, stop_timeout=0)
    assert run("true", name=shape["Id"][:12]).rc == 0
    host.bring("box", "paused")
    assert "Unpause it" in run("true").error["msg"]
    host.bring("box", "started")
    pid = host.inspect()["State"]["Pid"]
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: Process.of(pid) is None, "it has ended")
    assert "Start it" in run("true").error["msg"]


def test_the_first_command_after_a_boot(host, run):
    """It corrects the records, as each verb does."""
    host.start(*FOREVER, stop_timeout=0)
    with open(host.layout.boot_marker, "w", encoding="ascii") as marker:
        marker.write("another boot")
    assert run("true").rc == 0
    assert is_marked(host.layout.boot_marker)


def test_a_command_whose_reader_has_gone_is_ended(host):
    """If its reader was killed or lost the connection, the command does not continue unobserved."""
    host.start(*FOREVER, stop_timeout=0)
    argv = ["sh", "-c", "trap '' TERM; echo up; sleep 4711 & wait; sleep 4712"]
    process = subprocess.Popen(
        [host.layout.agent_program, "connect"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    )
    process.stdin.write(head("exec", argv=argv))
    assert process.stdout.readline() == b"up\n"
    eventually(lambda: _running(host, "4711"), "the command has begun")
    process.stdout.close()
    eventually(lambda: not _running(host, "471"), "the command was ended")
    process.stdin.close()
    assert process.wait(10) != 0


def test_what_a_command_leaves_in_the_background_is_not_waited_for(host, run):
    """Its output ends with the command, though a child holds it open; the child continues."""
    host.start(*FOREVER, stop_timeout=0)
    begin = time.monotonic()
    done = run("sh", "-c", "sleep 4719 & cat; exit 3", data=b"abc")
    assert (done.rc, done.stdout) == (3, b"abc")
    assert time.monotonic() - begin < 20
    assert _running(host, "4719")


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_command(host, signum):
    """The command is killed with all that it started."""
    host.start(*FOREVER, stop_timeout=0)
    process = subprocess.Popen(
        [host.layout.agent_program, "connect"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    )
    process.stdin.write(head("exec", argv=["sh", "-c", "echo up; sleep 4711; echo never"]))
    assert process.stdout.readline() == b"up\n"
    process.send_signal(signum)
    assert process.communicate(timeout=20)[0] == b""
    assert process.returncode == 128 + signal.SIGTERM
    assert not _running(host, "4711")


def _running(host, text: str) -> list[str]:
    words = (process for process in host.processes() if f"\\x00{text}" in process)
    return [process for process in words if "connect" not in process]


# -- passwords ---------------------------------------------------------------------------------------

#: Like sudo and su: ask on standard error, read a line, and run the command if it is right.
ASKER = """
for word in $QUESTIONS; do
    printf 'Mot de passe : ' >&2; read -r given
    [ "$given" = "$SECRET" ] && break
    echo >&2; echo 'Sorry, try again.' >&2; given=
done
[ -z "$QUESTIONS" ] || [ -n "$given" ] || { echo '3 incorrect attempts' >&2; exit 1; }
echo BECOME-SUCCESS-xyz; exec sh -c "$1"
"""
BECOME = {"prompts": ["mot de passe ?:"], "password": "s3cret $x", "success": "BECOME-SUCCESS-xyz"}


@pytest.fixture
def become(host, run):
    """Return the function that runs a command by a program that asks for a password."""
    host.start(*FOREVER, stop_timeout=0)

    def become(command: str, data: bytes = b"", *, questions: str = "1 2 3", **changes: str) -> Answer:
        env = {"QUESTIONS": questions, "SECRET": BECOME["password"]}
        return run("sh", "-c", ASKER, "-", command, data=data, env=env, become={**BECOME, **changes})

    return become


@pytest.mark.parametrize("questions", ["1 2 3", ""], ids=["asked", "not asked"])
def test_a_password_is_given_when_it_is_asked_for(become, questions):
    """The command gets exactly its own input, and neither prompt nor success message is in its output."""
    every = bytes(range(256)) * 5000
    done = become("cat; echo to-stderr >&2; exit 7", every, questions=questions)
    assert (done.rc, done.error) == (7, {})
    assert done.stdout == every
    assert done.stderr == b"to-stderr\n"


def test_a_wrong_password(become, host):
    """It is sent once, as a second attempt locks accounts; only the program's message is reported."""
    done = become("echo never", password="wrong")
    assert done.error["error"] == "become_failed"
    assert "Sorry, try again." in done.error["msg"]
    assert "wrong" not in json.dumps(done.error)
    assert b"never" not in done.stdout
    eventually(lambda: not _running(host, "QUESTIONS"), "the program was ended")


def test_a_program_that_ends_before_it_has_worked(become):
    """Its message is reported, and nothing waits for a prompt any more."""
    done = become("true", questions="", success="never heard")
    assert done.error["error"] == "become_failed"
    assert "the program neither prompted nor started" in done.error["msg"]


def test_what_a_command_leaves_in_the_background_holds_nobody_up(become):
    """The pipes that it keeps open are not waited for."""
    assert become("sleep 20 & echo done").stdout == b"done\n"


# -- files -------------------------------------------------------------------------------------------


def test_files_go_in_and_come_out(host, put, fetch, run):
    """Content, size and mode; new files are the user's, existing ones keep owner and mode; odd names."""
    host.start(*FOREVER, stop_timeout=0)
    content, path = bytes(range(256)) * 400, os.fsdecode(b"/tmp/n\xc3\xa4me \xff\n$(x)")
    where = ["sh", "-c", 'cd /tmp; busybox "$@" n*', "-"]
    assert put(path, content, mode=0o6775).error == {}
    got = fetch(path)
    assert (got.stdout, got.error["size"], got.error["next"]) == (content, len(content), None)
    shown = run(*where, "stat", "-c", "%a %u %g").stdout
    assert shown == b"755 0 0\n"
    run(*where, "chmod", "600")
    run(*where, "chown", "1000:2000")
    assert put(path, b"short", mode=0o644).error == {}
    assert fetch(path).stdout == b"short"
    assert run(*where, "stat", "-c", "%a %u %g").stdout == b"600 1000 2000\n"


def test_a_file_in_pieces_keeps_its_holes(host, put, fetch, run):
    """Pieces are written to one file; the gaps between them stay holes, also when fetched."""
    host.start(*FOREVER, stop_timeout=0)
    far = 64 * 1024 * KIB
    first = frames.split(put("/tmp/big", b"begin", size=5).stdout)[0]
    put("/tmp/big", b"middle", segments=[[far, 6]], size=2 * far, file=first["file"])
    assert int(run("busybox", "stat", "-c", "%b", "/tmp/big").stdout) * 512 < 1024 * KIB
    piece = fetch("/tmp/big", most=6)
    assert piece.error["next"] is not None
    rest = fetch("/tmp/big", offset=piece.error["next"])
    assert rest.error["size"] == 2 * far
    assert (piece.stdout + rest.stdout).replace(b"\0", b"") == b"beginmiddle"
    assert len(rest.stdout) < 1024 * KIB


def test_a_file_that_was_replaced_in_between_is_noticed(host, put, run):
    """No file is assembled from pieces of two."""
    host.start(*FOREVER, stop_timeout=0)
    first = frames.split(put("/tmp/one", b"begin").stdout)[0]
    run("sh", "-c", "echo other >/tmp/other; busybox mv /tmp/other /tmp/one")
    answer = put("/tmp/one", b"more", segments=[[5, 4]], size=9, file=first["file"])
    assert "was replaced during the transfer" in answer.error["msg"]
    assert run("cat", "/tmp/one").stdout == b"other\n"


def test_paths_stay_inside_the_container(host, put, fetch, run, tmp_path):
    """Symlinks are resolved as for the container's own processes, and volumes are visible likewise."""
    host.start(*FOREVER, stop_timeout=0, volume=["data:/data"])
    secret = tmp_path / "secret"
    secret.write_text("the host's")
    run("busybox", "ln", "-s", str(secret), "/tmp/out")
    run("busybox", "ln", "-s", "../../../../../data/file", "/tmp/up")
    run("touch", "/data/file")
    assert "No such file" in fetch("/tmp/out").error["msg"]
    assert put("/tmp/up", b"in the volume").error == {}
    assert host.data("data").joinpath("file").read_bytes() == b"in the volume"
    assert put("/tmp/out", b"x").error["errno"] == "EEXIST"
    assert secret.read_text() == "the host's"


def test_the_kernel_checks_the_users_rights(host, put, fetch, run):
    """The user has the same rights here as inside, also by group."""
    host.start(*FOREVER, stop_timeout=0)
    run(
        "sh",
        "-c",
        "echo x >/etc/own; busybox chmod 600 /etc/own; echo g >/etc/group-own; chown 0:2000 /etc/group-own",
    )
    run("busybox", "chmod", "640", "/etc/group-own")
    assert fetch("/etc/own", user="app").error["errno"] == "EACCES"
    assert put("/etc/new", b"x", user="app").error["errno"] == "EACCES"
    assert fetch("/etc/group-own", user="app").stdout == b"g\n"
    run("busybox", "chmod", "1777", "/tmp")
    assert put("/tmp/mine", b"x", user="app").error == {}
    assert run("busybox", "stat", "-c", "%u %g", "/tmp/mine").stdout == b"1000 1000\n"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        ("mkdir", "is a directory"),
        ("busybox mkfifo", "is not a regular file"),
        ("busybox ln -s /dev/full", "is not a regular file"),
    ],
)
def test_what_is_no_file_is_not_opened(host, put, fetch, run, make, words):
    """A FIFO would block us, and opening a device may have side effects."""
    host.start(*FOREVER, stop_timeout=0)
    run(*shlex.split(make), "/tmp/thing")
    assert words in put("/tmp/thing", b"x").error["msg"]
    assert words in fetch("/tmp/thing").error["msg"]


def test_in_a_user_namespace(passable_host):
    """New files are owned by the ids that the user has there."""
    host = passable_host
    host.start(*FOREVER, stop_timeout=0, uidmap=["0:100000:65536"])

    def ask(verb: str, data: bytes = b"", **request: Any) -> bytes:
        argv = [host.layout.agent_program, "connect"]
        return subprocess.run(
            argv, input=head(verb, **request) + data, capture_output=True, check=True
        ).stdout

    ask("exec", argv=["busybox", "chmod", "1777", "/tmp"])
    for user, path in ((None, "/tmp/root's"), ("app", "/tmp/app's")):
        whole = {"segments": [[0, 1]], "size": 1, "file": None, "mode": 0o600}
        ask("put", b"x", path=path, user=user, **whole)
    shown = ask("exec", argv=["busybox", "stat", "-c", "%u:%g", "/tmp/root's", "/tmp/app's"])
    assert shown.split() == [b"0:0", b"1000:1000"]


def test_a_request_that_is_none(host):
    """A person who calls it is told what it is for; nothing is done."""
    host.start(*FOREVER, stop_timeout=0)
    for data in (b"", b"hello", b"00000005{}", b"99999999{}"):
        done = subprocess.run(
            [host.layout.agent_program, "connect"], input=data, capture_output=True, check=False
        )
        assert done.returncode == 2
        assert b"connection plugin" in done.stderr
