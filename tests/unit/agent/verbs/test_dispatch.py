# SPDX-License-Identifier: GPL-3.0-or-later
"""The command lines that ``slipway`` accepts, and its text for a container's state."""

from __future__ import annotations

import pytest

from _engine.agent.cli import parsing
from _engine.agent.verbs import dispatch, events, explain, images, inspect, logs, network, ps, volume
from _engine.version import VERSION

#: None without --run-root: the default is that of the root (runroot.recorded).
PLACES = {"root": "/ROOT", "run_root": None}


@pytest.fixture
def parse():
    """Return the function that parses arguments as ``slipway`` does."""
    return lambda *argv: vars(parsing.read(dispatch.parser_of("/ROOT", "/RUN"), argv))


EVENTS = {"verb": events._events, "since": None, "until": None, "filter": []}
LOGS = {"verb": logs._logs, "since": None, "until": None, "follow": False}
GOOD = [
    (("explain", "web"), {"verb": explain._explain, "name": "web", "json": False}),
    (("ps",), {"verb": ps._ps, "json": False, "all": False, "quiet": False, "filter": []}),
    (("ps", "-aq"), {"verb": ps._ps, "all": True, "quiet": True}),
    (("images", "--json"), {"verb": images._images, "json": True}),
    (("volumes",), {"verb": volume._list, "json": False}),
    (("volume", "ls", "-q"), {"verb": volume._list, "quiet": True}),
    (("network", "ls", "-q"), {"verb": network._list, "quiet": True}),
    (
        ("network", "create", "--subnet", "10.1.0.0/24", "-o", "mtu=1400", "-o", "isolate=true", "back"),
        {
            "verb": network._create,
            "name": "back",
            "subnet": ["10.1.0.0/24"],
            "opt": ["mtu=1400", "isolate=true"],
        },
    ),
    (("inspect", "web", "db"), {"verb": inspect._inspect, "names": ["web", "db"], "type": "all"}),
    (
        ("logs", "--tail", "5", "-t", "web"),
        {**LOGS, "name": "web", "tail": 5, "timestamps": True, "json": False},
    ),
    (("logs", "web"), {**LOGS, "name": "web", "tail": None, "timestamps": False, "json": False}),
    (
        ("logs", "-f", "--since", "1h", "--until", "5m", "web"),
        {
            **LOGS,
            "name": "web",
            "tail": None,
            "timestamps": False,
            "json": False,
            "follow": True,
            "since": "1h",
            "until": "5m",
        },
    ),
    (("events",), {**EVENTS, "limit": None, "json": False, "follow": False}),
    (
        ("events", "--follow", "--since", "1h", "-f", "event=died", "--json", "--limit", "3"),
        {**EVENTS, "since": "1h", "filter": ["event=died"], "limit": 3, "json": True, "follow": True},
    ),
]


@pytest.mark.parametrize(("argv", "expected"), GOOD)
def test_verbs(parse, argv, expected):
    """Each verb has its options, and the built-in paths of the engine."""
    found = parse(*argv)
    assert {name: found[name] for name in (*PLACES, *expected)} == {**PLACES, **expected}


def test_another_engine(parse):
    """Another engine is selected by options before the verb."""
    found = parse("--root", "/a", "--run-root", "/b", "ps")
    assert (found["root"], found["run_root"]) == ("/a", "/b")


@pytest.mark.parametrize(
    "argv",
    [
        (),
        ("nope",),
        ("inspect",),
        ("logs",),
        ("logs", "--tail", "x", "web"),
        ("ps", "web"),
        ("events", "--limit", ""),
    ],
)
def test_wrong_arguments(parse, capsys, argv):
    """An invalid command line exits with 2 and a usage message."""
    with pytest.raises(SystemExit) as caught:
        parse(*argv)
    assert caught.value.code == 2
    assert "usage: slipway" in capsys.readouterr().err


def test_version(parse, capsys):
    """``--version`` prints the version."""
    with pytest.raises(SystemExit) as caught:
        parse("--version")
    assert (caught.value.code, capsys.readouterr().out) == (0, f"slipway {VERSION}\n")


def test_help_names_every_verb(parse, capsys):
    """The help lists all verbs, including the one for conmon."""
    with pytest.raises(SystemExit):
        parse("--help")
    text = capsys.readouterr().out
    verbs = "ps images volumes inspect logs events cleanup start stop restart pause unpause kill rm wait rename".split()
    assert [verb for verb in verbs if f"\n    {verb} " not in text] == []


STATES = [
    ({"Status": "running", "Pid": 7}, "running, pid 7"),
    ({"Status": "exited", "ExitCode": 0, "OOMKilled": False}, "exited, code 0"),
    ({"Status": "exited", "ExitCode": 137, "OOMKilled": True}, "exited, code 137, out of memory"),
    ({"Status": "exited", "ExitCode": None, "OOMKilled": False}, "exited, unknown code"),
    ({"Status": "created", "ExitCode": 0}, "created"),
]


@pytest.mark.parametrize(("state", "text"), STATES)
def test_states_in_words(state, text):
    """A state is printed with the pid or the exit code; an unknown code is not shown as 0."""
    assert ps.state(state) == text
