# SPDX-License-Identifier: GPL-3.0-or-later
"""The installed program ``slipway``, run as users run it."""

from __future__ import annotations

import subprocess
import threading
import time
from pathlib import Path

import pytest

from enginehost import eventually

SLEEP = ("sleep", "1000")


@pytest.fixture
def slipway(host, agent):
    """Return the function that runs the program; it returns exit code, output and errors."""

    def run(*argv, timeout=120):
        done = subprocess.run([agent[0], *argv], check=False, capture_output=True, text=True, timeout=timeout)
        return done.returncode, done.stdout, done.stderr

    return run


def state(host, name="box"):
    """Return the container's state."""
    return host.inspect(name)["State"]["Status"]


def test_from_start_to_removal(host, slipway):
    """Each verb takes effect, prints the name, and exits with 0."""
    host.want("created", *SLEEP, volume=["/anonymous", "kept:/kept"])
    identity = host.record().id
    for argv, after in (
        (("start", "box"), "running"),
        (("start", identity[:10]), "running"),
        (("pause", "box"), "paused"),
        (("unpause", "box"), "running"),
        (("restart", "-t", "0", "box"), "running"),
        (("stop", "--time", "0", "box"), "exited"),
        (("stop", "box"), "exited"),
        (("restart", "box"), "running"),
        (("kill", "--signal", "CONT", "box"), "running"),
        (("kill", "box"), "exited"),
    ):
        assert slipway(*argv) == (0, f"{argv[-1]}\n", ""), argv
        eventually(lambda after=after: state(host) == after, f"{argv}: {after}")
    assert slipway("rename", "box", "crate") == (0, "", "")
    assert host.inspect("box") == {}
    assert slipway("start", "crate")[0] == 0
    assert slipway("rm", "-f", "-v", "-t", "0", "crate") == (0, "crate\n", "")
    assert (host.inspect("crate"), host.volumes()) == ({}, ["kept"])


def test_a_start_by_hand_is_cleaned_up_after(host, slipway):
    """A container that the program started is cleaned up by it at exit, with the same runtime."""
    host.want("created", "sh", "-c", "sleep 0.3; exit 5")
    assert slipway("start", "box")[0] == 0
    assert Path(host.record().runtime).name == host.runtime
    assert host.ended()["State"]["ExitCode"] == 5
    eventually(lambda: host.mounts() == [] and host.processes() == [], "cleaned up")


UNKNOWN = ("start", "stop", "restart", "pause", "unpause", "kill", "wait")


def test_unknown_names(host, slipway):
    """The error for an unknown name suggests similar ones; the other names are processed all the same."""
    host.start(*SLEEP)
    for verb in UNKNOWN:
        code, said, errors = slipway(verb, "bix")
        assert (code, said) == (125, ""), verb
        assert "'bix' (near: box)" in errors
    assert slipway("rm", "bix")[0] == 1
    assert slipway("rename", "bix", "crate")[0] == 125
    code, said, errors = slipway("pause", "bix", "box")
    assert (code, said, "bix" in errors) == (125, "box\n", True)
    assert state(host) == "paused"


REFUSED = [
    (("rm", "box"), 2, "is running and cannot be removed"),
    (("kill", "-s", "NOSUCH", "box"), 2, "NOSUCH"),
    (("unpause", "box"), 0, ""),
    (("rename", "box", "-x"), 2, "usage"),
    (("rename", "box", "a/b"), 125, "not a valid name"),
    (("wait", "--condition", "nosuch", "box"), 2, "nosuch"),
    (("wait", "--timeout", "0.2", "box"), 125, "did not become stopped within 0.2 s: it is running"),
    (("stop",), 125, "--all"),
    (("stop", "--all", "box"), 125, "--all"),
    (("stop", "-t", "soon", "box"), 2, "soon"),
]


def test_refused(host, slipway):
    """An impossible action has podman's exit code, and the container runs on untouched."""
    host.start(*SLEEP)
    before = host.record()
    for argv, code, words in REFUSED:
        found, _said, errors = slipway(*argv)
        assert (found, words in errors) == (code, True), (argv, errors)
        assert host.record() == before, argv
    assert slipway("pause", "box")[0] == 0
    assert "Unpause it" in slipway("start", "box")[2]
    assert slipway("rm", "box")[0] == 2


def test_all(host, slipway):
    """With --all a verb applies to the containers in its states, and no others."""
    for name in ("one", "two"):
        host.start(*SLEEP, name=name, stop_timeout=0)
    host.want("created", *SLEEP, name="three")
    assert slipway("stop", "--all") == (0, "one\ntwo\n", "")
    assert [state(host, name) for name in ("one", "two", "three")] == ["exited", "exited", "created"]
    assert slipway("rm", "--all") == (0, "one\ntwo\nthree\n", "")


def test_wait(host, slipway):
    """The exit code is printed after the exit: at once, later, after a restart, and after removal."""
    host.start("sh", "-c", "trap 'exit 7' TERM; echo ready; while :; do sleep 0.02; done", rm=True)
    host.said("ready")
    found = []
    waiting = threading.Thread(target=lambda: found.append(slipway("wait", "box")))
    waiting.start()
    waiting.join(1)
    assert waiting.is_alive()
    assert slipway("kill", "-s", "TERM", "box")[0] == 0
    waiting.join(60)
    assert found == [(0, "7\n", "")]
    host.start("sh", "-c", "exit 3", name="short")
    host.ended("short")
    assert slipway("wait", "short") == (0, "3\n", "")


def test_wait_sleeps(host, slipway):
    """Waiting takes no CPU time, whatever other containers do."""
    host.start(*SLEEP)
    process = subprocess.Popen([host.layout.agent_program, "wait", "box"], stdout=subprocess.PIPE, text=True)
    time.sleep(1.0)

    def ticks():
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    before = ticks()
    time.sleep(3.0)
    assert ticks() - before <= 2
    assert slipway("kill", "box")[0] == 0
    assert process.communicate(timeout=60)[0] == "137\n"


@pytest.mark.parametrize("word", ["running", "removed", "paused"])
def test_wait_for_a_condition(host, slipway, word):
    """The verb returns once the container meets the condition."""
    host.want("created", *SLEEP)
    found = []
    waiting = threading.Thread(target=lambda: found.append(slipway("wait", "--condition", word, "box")))
    waiting.start()
    waiting.join(4.0 if word == "removed" else 0.5)  # what is gone before it begins can't be waited for
    if word == "removed":
        host.bring("box", "absent")
    else:
        host.bring("box", "paused" if word == "paused" else "started")
    waiting.join(60)
    assert found[0][0] == 0
