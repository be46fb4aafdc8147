# SPDX-License-Identifier: GPL-3.0-or-later
"""The OCI process of a command that joins a container."""

from __future__ import annotations

import pytest

from _engine.errors import InvalidOption
from _engine.model.container.execution import ExecSpec
from _engine.runtime.config.exec_process import build
from _engine.runtime.config.users import ResolvedUser
from _engine.runtime.exec.execs import meaning

OWN = {
    "user": {"uid": 3, "gid": 4, "umask": 18, "additionalGids": [4, 9]},
    "args": ["server"],
    "terminal": True,
    "consoleSize": {"height": 1, "width": 1},
    "env": ["PATH=/bin", "HOME=/home/own", "A=1=2"],
    "cwd": "/srv",
    "capabilities": {
        "bounding": ["CAP_CHOWN", "CAP_KILL"],
        "ambient": ["CAP_KILL"],
        "effective": ["CAP_KILL"],
    },
    "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 1, "hard": 1}],
    "apparmorProfile": "strict",
    "noNewPrivileges": True,
}
ANN = ResolvedUser(7, 8, (8, 20), "/home/ann", "ann")
ROOT = ResolvedUser(0, 0, (), "/root", "root")


def root_sets(*names: str) -> dict[str, list[str]]:
    """Return root's capability sets."""
    return {key: [*names] for key in ("bounding", "effective", "permitted")}


def process(user=None, *, home_given=False, every=frozenset(), **raw):
    """Return the process for a command."""
    spec = ExecSpec.parse({"argv": ["ls"], **raw})
    return build(OWN, spec, user, home_given=home_given, all_capabilities=every)


def test_what_is_not_said_is_the_containers():
    """Limits, profile, user, directory, environment and capabilities are inherited; the terminal is not."""
    made = process()
    assert made["args"] == ["ls"]
    assert made["terminal"] is False
    assert "consoleSize" not in made
    kept = ("user", "env", "cwd", "rlimits", "apparmorProfile", "noNewPrivileges")
    assert {key: made[key] for key in kept} == {key: OWN[key] for key in kept}
    assert made["capabilities"] == OWN["capabilities"]


def test_what_is_said():
    """The environment is added; user, groups, directory and terminal replace the container's."""
    made = process(ANN, env={"A": "2", "B": ""}, workdir="/tmp", tty=True)
    assert made["env"] == ["PATH=/bin", "HOME=/home/ann", "A=2", "TERM=xterm", "B="]
    assert made["user"] == {"uid": 7, "gid": 8, "umask": 18, "additionalGids": [8, 20]}
    assert (made["cwd"], made["terminal"]) == ("/tmp", True)


def test_home_that_was_asked_for_stays():
    """Another user changes HOME only if nothing set it; the command's own HOME always wins."""
    assert "HOME=/home/own" in process(ANN, home_given=True)["env"]
    assert "HOME=/x" in process(ANN, env={"HOME": "/x"})["env"]


@pytest.mark.parametrize(
    ("user", "every", "expected"),
    [
        (ROOT, frozenset(), root_sets("CAP_CHOWN", "CAP_KILL")),
        (ANN, frozenset(), {"bounding": ["CAP_CHOWN", "CAP_KILL"]}),
        (
            ROOT,
            frozenset({"CAP_SYS_ADMIN"}),
            root_sets("CAP_SYS_ADMIN"),
        ),
        (ANN, frozenset({"CAP_SYS_ADMIN"}), {"bounding": ["CAP_SYS_ADMIN"]}),
        (ResolvedUser(3, 4, (), "/", None), frozenset(), OWN["capabilities"]),
    ],
)
def test_capabilities(user, every, expected):
    """Root gets the bounding set, the container's user its sets, others none; privileged gets all."""
    assert process(user, every=every, privileged=bool(every))["capabilities"] == expected


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({}, "one of the two"),
        ({"command": "a", "argv": ["a"]}, "one of the two"),
        ({"command": ""}, "names no program"),
        ({"argv": [""]}, "names no program"),
        ({"command": "'"}, "split into words"),
        ({"argv": ["ls"], "env": {"A=B": "1"}}, "without ="),
        ({"argv": ["ls"], "workdir": "tmp"}, "absolute"),
        ({"argv": ["ls\0"]}, "NUL"),
    ],
)
def test_bad_requests(raw, words):
    """An invalid command is refused with the option's name and the remedy."""
    with pytest.raises(InvalidOption, match=words):
        ExecSpec.parse(raw)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('unable to start container process: exec: "nix": executable file not found in $PATH', 127),
        ("executable file `nix` not found in $PATH: No such file or directory", 127),
        ('exec: "/nix": stat /nix: no such file or directory', 127),
        ('exec: "/etc": permission denied', 126),
        ("open executable: Operation not permitted", 126),
        ("exec /script: exec format error", 126),
        ('chdir to cwd ("/none") set in config.json failed: no such file or directory', 127),
        ("something else", 125),
    ],
)
def test_meaning_of_a_runtimes_words(text, code):
    """A runtime's message for a command that never started gives podman's exit code."""
    assert meaning(text) == code
