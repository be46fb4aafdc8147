# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection plugin's own decisions: which words are run, how files are cut, how the program's answers are read."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.shell import ShellBase
from ansible_collections.slipway.oci.plugins.connection.container import _words
from ansible_collections.slipway.oci.plugins.plugin_utils.agent_client import Program, path_of
from ansible_collections.slipway.oci.plugins.plugin_utils.file_chunks import MOST, pieces, put_together
from ansible_collections.slipway.oci.plugins.plugin_utils.host_connection import Answer
from ansible_collections.slipway.oci.plugins.plugin_utils.tmpdirs import elsewhere

from _engine.model.connect import frames

SH = "/bin/sh"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("/bin/sh -c 'echo a && sleep 0'", "echo a && sleep 0"),
        ("/bin/sh -c true", "true"),
        ("/bin/sh -c 'it'\"'\"'s'", "it's"),
        # Another shell expands these, so it has to be there.
        ("/bin/sh -c $HOME", "/bin/sh -c $HOME"),
        ("/bin/sh -c 'a' b", "/bin/sh -c 'a' b"),
        ('/bin/sh -c "$(id)"', '/bin/sh -c "$(id)"'),
        ("/bin/bash -c 'a b'", "/bin/bash -c 'a b'"),
        ("echo x", "echo x"),
    ],
)
def test_a_shell_is_not_started_twice(command, words):
    """Ansible writes the shell before each command, and a connection adds one of its own: one of two equal ones will do."""
    assert _words(command, SH) == [SH, "-c", words]


@pytest.mark.parametrize("shell", ["dash", "bash", "busybox"])
def test_commands_of_any_bytes(shell):
    """What is no UTF-8 is spelled for the shell, and means the same there."""
    text = bytes(range(1, 256)) + b"\\n\\\\ %s %% \\047 '"
    script = b"printf '%s' '" + text.replace(b"'", b"'\"'\"'") + b"'"
    words = _words(os.fsdecode(script), SH)
    words[2].encode("ascii")
    argv = [shell, *(["sh"] if shell == "busybox" else []), *words[1:]]
    assert subprocess.run(argv, check=True, capture_output=True).stdout == text


class Shell(ShellBase):
    """Ansible's words for a temporary directory, with the options of this test."""

    SHELL_FAMILY = "sh"
    _SHELL_AND, _SHELL_GROUP_LEFT, _SHELL_GROUP_RIGHT = "&&", "(", ")"
    _SHELL_SUB_LEFT, _SHELL_SUB_RIGHT = '"`', '`"'

    def __init__(self, remote_tmp, places):
        self._options = {"remote_tmp": remote_tmp, "system_tmpdirs": [str(place) for place in places]}

    def get_option(self, option, hostvars=None):
        """Return what this test gave."""
        return self._options[option]


@pytest.mark.parametrize("home", ["/proc", "~54321:54321"])
def test_a_temporary_directory_outside_of_the_home(tmp_path, home):
    """Where the home can't be written to, the directory is made at each of the system's places, for its user alone."""
    (tmp_path / "file").touch()
    (tmp_path / "tmp").mkdir()
    shell = Shell("~/.ansible/tmp", [tmp_path / "file" / "none", tmp_path / "tmp"])
    command = shell.mkdtemp("ansible-tmp-1795982288.18-29090-2696", tmpdir=f"{home}/.ansible/tmp")
    answers = [
        subprocess.run(["sh", "-c", each], check=False, capture_output=True, text=True, cwd="/proc")
        for each in (command, *elsewhere(command, shell))
    ]
    made = tmp_path / "tmp" / "ansible-tmp-1795982288.18-29090-2696"
    assert [answer.returncode == 0 for answer in answers] == [False, False, True]
    assert answers[2].stdout == f"{made.name}={made}\n"
    assert made.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("remote_tmp", "command"),
    [
        ("~/.ansible/tmp", "mkdir -p /srv && false"),
        ("~/.ansible/tmp", 'mkdir -p "` echo /a `" && mkdir "` echo /b/ansible-tmp-1-2-3 `"'),
        ("/srv/tmp", 'mkdir -p "` echo /srv/tmp `"&& mkdir "` echo /srv/tmp/ansible-tmp-1-2-3 `"'),
    ],
)
def test_other_commands_run_once(remote_tmp, command):
    """Another command that fails is not run again, nor is a place that the user named exchanged."""
    assert elsewhere(command, Shell(remote_tmp, ["/tmp"])) == []


@pytest.mark.parametrize("size", [0, 1, MOST, MOST + 1, 3 * MOST - 1])
def test_a_file_is_cut_and_put_together(tmp_path, size):
    """No piece is larger than what a call may carry, and together they are the file."""
    before, after = tmp_path / "before", tmp_path / "after"
    before.write_bytes(os.urandom(size))
    with before.open("rb") as file, after.open("wb") as made:
        for piece in pieces(file, size):
            assert len(piece.data) <= 2 * MOST
            put_together(made, piece.segments, piece.data)
            made.truncate(piece.size)
    assert after.read_bytes() == before.read_bytes()


def test_holes_are_not_carried(tmp_path):
    """A sparse file's pieces hold its data alone, and the end counts even where it is a hole."""
    sparse, size = tmp_path / "sparse", 1 << 30
    with sparse.open("wb") as file:
        for number in range(20):
            file.seek(number << 25)
            file.write(b"data")
        file.truncate(size)
    with sparse.open("rb") as file:
        found = [*pieces(file, size)]
    assert sum(len(piece.data) for piece in found) < 1 << 20
    assert found[-1].size == size


def test_a_file_of_many_parts_needs_many_pieces(tmp_path):
    """A header does not grow without end either."""
    scattered = tmp_path / "scattered"
    with scattered.open("wb") as file:
        for number in range(5000):
            file.seek(number << 13)
            file.write(b"x")
    with scattered.open("rb") as file:
        found = [*pieces(file, scattered.stat().st_size)]
    assert sum(len(piece.segments) for piece in found) == 5000
    assert all(len(piece.segments) <= 4096 for piece in found)
    assert all(len(frames.encode({"segments": piece.segments})) < frames.LIMIT for piece in found)


class Far:
    """A host whose program answers as it is told."""

    name = "web1"

    def __init__(self, answer) -> None:
        self.answer = answer

    def run(self, argv, data):
        """Answer, with the mark of the request."""
        self.argv = argv
        self.request, self.data = frames.split(data)
        return Answer(*(part if isinstance(part, int) else self.marked(part) for part in self.answer))

    def marked(self, text: bytes) -> bytes:
        """Put the mark in its place."""
        return text.replace(b"MARK", self.request["mark"].encode())


def asked(*answer):
    """Return what is made of an answer, and the host."""
    far = Far(answer)
    return Program(far, "/p").connect({"verb": "exec", "name": "app"}, b"data"), far


def test_an_answer():
    """Request and data go by the standard input; marks are not the command's words, whatever comes before them."""
    (answer, failure), far = asked(3, b"out", b"banner\nMARKbegan\nerr\nor")
    assert (answer, failure) == (Answer(3, b"out", b"banner\nerr\nor"), None)
    assert (far.argv, far.data) == (["/p", "connect"], b"data")


def told(**fields: object) -> bytes:
    """Return the words of a program that has failed."""
    return b"MARKbegan\nMARK" + json.dumps({"msg": "it is so", **fields}).encode() + b"\n"


def test_an_error_of_the_engine():
    """It comes with its code and its fields; a container that can't be reached is an unreachable host."""
    (_answer, failure), _far = asked(125, b"", told(error="runtime_failed", rc=127))
    assert (failure.code, failure.message, failure.fields) == ("runtime_failed", "it is so", {"rc": 127})
    for code in ("not_found", "wrong_state", "rootfs_died"):
        with pytest.raises(AnsibleConnectionFailure, match="it is so"):
            asked(125, b"", told(error=code))


def test_a_container_can_not_pretend_to_be_the_engine():
    """The mark is new for each request, and never in the container."""
    first, second = asked(0, b"", b"MARKbegan\n")[1], asked(0, b"", b"MARKbegan\n")[1]
    assert first.request["mark"] != second.request["mark"]
    (answer, failure), _far = asked(125, b"", b'MARKbegan\nslipway-00 {"error": "not_found", "msg": ""}\n')
    assert failure is None
    assert b"not_found" in answer.stderr


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((127, b"", b"sh: /p: not found\n"), "host web1: there is no agent /p"),
        ((126, b"", b"sh: /p: Permission denied\n"), "host may need ansible_become"),
        ((2, b"", b"slipway: error: argument VERB: invalid choice: 'connect'"), "older than this collection"),
        ((255, b"", b"lost"), "host web1: /p did not start: lost"),
    ],
)
def test_a_program_that_never_began(answer, words):
    """It is an unreachable host, and what to do is said."""
    with pytest.raises(AnsibleConnectionFailure, match=words):
        asked(*answer)


def test_where_the_program_is():
    """Below the engine's root, unless it is said."""
    assert path_of(None, None) == "/var/lib/slipway/agent/current/slipway"
    assert path_of(None, "/r") == "/r/agent/current/slipway"
    assert path_of("/p", "/r") == "/p"


@pytest.mark.parametrize(
    "data", [b"", b"0000000", b"0000000x{}", b"00000004{}", b"99999999{}", b"00000002[]"]
)
def test_what_is_no_frame_is_refused(data):
    """Neither end ever waits for more, or takes half of it."""
    with pytest.raises(ValueError, match=r"not the length|truncated|not a JSON object"):
        frames.split(data)
