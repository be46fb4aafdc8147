# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection plugin: the argv of commands, the chunks of files, and the parsing of replies."""

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
    """Ansible prefixes each command with the shell, and so does a connection: two equal shells become one."""
    assert _words(command, SH) == [SH, "-c", words]


@pytest.mark.parametrize("shell", ["dash", "bash", "busybox"])
def test_commands_of_any_bytes(shell):
    """A command that is not UTF-8 is escaped for the shell, with the same meaning."""
    text = bytes(range(1, 256)) + b"\\n\\\\ %s %% \\047 '"
    script = b"printf '%s' '" + text.replace(b"'", b"'\"'\"'") + b"'"
    words = _words(os.fsdecode(script), SH)
    words[2].encode("ascii")
    argv = [shell, *(["sh"] if shell == "busybox" else []), *words[1:]]
    assert subprocess.run(argv, check=True, capture_output=True).stdout == text


class Shell(ShellBase):
    """Ansible's command for a temporary directory, with the options of this test."""

    SHELL_FAMILY = "sh"
    _SHELL_AND, _SHELL_GROUP_LEFT, _SHELL_GROUP_RIGHT = "&&", "(", ")"
    _SHELL_SUB_LEFT, _SHELL_SUB_RIGHT = '"`', '`"'

    def __init__(self, remote_tmp, places):
        self._options = {"remote_tmp": remote_tmp, "system_tmpdirs": [str(place) for place in places]}

    def get_option(self, option, hostvars=None):
        """Return the option that this test has set."""
        return self._options[option]


@pytest.mark.parametrize("home", ["/proc", "~54321:54321"])
def test_a_temporary_directory_outside_of_the_home(tmp_path, home):
    """If the home directory is not writable, a private directory is created in one of the system's."""
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
    """Other failed commands are not repeated, and a directory set by the user is not replaced."""
    assert elsewhere(command, Shell(remote_tmp, ["/tmp"])) == []


@pytest.mark.parametrize("size", [0, 1, MOST, MOST + 1, 3 * MOST - 1])
def test_a_file_is_cut_and_put_together(tmp_path, size):
    """No chunk exceeds the limit of a call, and together they are the file."""
    before, after = tmp_path / "before", tmp_path / "after"
    before.write_bytes(os.urandom(size))
    with before.open("rb") as file, after.open("wb") as made:
        for piece in pieces(file, size):
            assert len(piece.data) <= 2 * MOST
            put_together(made, piece.segments, piece.data)
            made.truncate(piece.size)
    assert after.read_bytes() == before.read_bytes()


def test_holes_are_not_carried(tmp_path):
    """Chunks of a sparse file contain only data, and its size is kept even if it ends with a hole."""
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
    """The size of a header is limited too."""
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
    """A host whose program replies as the test sets."""

    name = "web1"

    def __init__(self, answer) -> None:
        self.answer = answer

    def run(self, argv, data):
        """Reply with the mark of the request."""
        self.argv = argv
        self.request, self.data = frames.split(data)
        return Answer(*(part if isinstance(part, int) else self.marked(part) for part in self.answer))

    def marked(self, text: bytes) -> bytes:
        """Insert the mark."""
        return text.replace(b"MARK", self.request["mark"].encode())


def asked(*answer):
    """Return the parsed reply, and the host."""
    far = Far(answer)
    return Program(far, "/p").connect({"verb": "exec", "name": "app"}, b"data"), far


def test_an_answer():
    """Request and data are sent on standard input; marks are not part of the command's output."""
    (answer, failure), far = asked(3, b"out", b"banner\nMARKbegan\nerr\nor")
    assert (answer, failure) == (Answer(3, b"out", b"banner\nerr\nor"), None)
    assert (far.argv, far.data) == (["/p", "connect"], b"data")


def told(**fields: object) -> bytes:
    """Return the output of a failed program."""
    return b"MARKbegan\nMARK" + json.dumps({"msg": "it is so", **fields}).encode() + b"\n"


def test_an_error_of_the_engine():
    """It has its code and fields; a container that cannot be reached is an unreachable host."""
    (_answer, failure), _far = asked(125, b"", told(error="runtime_failed", rc=127))
    assert (failure.code, failure.message, failure.fields) == ("runtime_failed", "it is so", {"rc": 127})
    for code in ("not_found", "wrong_state", "rootfs_died"):
        with pytest.raises(AnsibleConnectionFailure, match="it is so"):
            asked(125, b"", told(error=code))


def test_a_container_can_not_pretend_to_be_the_engine():
    """The mark differs in each request, and never reaches the container."""
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
    """The host is unreachable, and the error has a remedy."""
    with pytest.raises(AnsibleConnectionFailure, match=words):
        asked(*answer)


def test_where_the_program_is():
    """It is below the engine's root by default."""
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
