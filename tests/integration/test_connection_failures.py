# SPDX-License-Identifier: GPL-3.0-or-later
"""What can't be reached is an unreachable host that says what to do, and what is cut off leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from enginehost import eventually
from inside import WAYS
from sshhost import USER, sshd


@pytest.fixture
def spare(inside) -> Iterator[str]:
    """Return the name of a container that may be taken away."""
    yield inside.start("spare", "bare")
    inside.node.task("container", name="spare", state="absent")
    inside.node.volume("spare-data", "absent")


def unreachable(play, task: str, *words: str) -> None:
    """Fail unless the task tells that the host can't be reached, why and what to do, in sentences, and is the last."""
    *_before, last = play.tasks
    assert (last.name, last.outcome) == (task, "unreachable"), last
    for word in words:
        assert word in last.result["msg"]
    assert "Traceback" not in last.result["msg"]
    assert last.result["unreachable"]


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("absent", ("no container", "spare")),
        ("stopped", ("spare", "exited", "Start it")),
        ("paused", ("spare", "paused", "Unpause it")),
    ],
)
@pytest.mark.parametrize("way", WAYS)
def test_gone_between_two_tasks(inside, spare, way, state, words):
    """A container that is taken away during a play is an unreachable host, whatever has become of it."""
    play = inside.play("gone.yml", {"spare": inside.host(spare, way)}, state=state)
    unreachable(play, "After", *words)


def test_restarted_between_two_tasks(inside, spare):
    """A container that was restarted goes on being reached."""
    play = inside.play("gone.yml", {"spare": inside.host(spare, "local")}, state="restarted")
    assert play.failed == []
    assert play.tasks[-1].name == "Never"


@pytest.mark.parametrize("way", WAYS)
def test_never_there(inside, way):
    """A name that no container has is an unreachable host."""
    play = inside.play("raw.yml", {"it": inside.host("nosuch", way)}, command="true")
    unreachable(play, "Command", "nosuch")


@pytest.mark.parametrize("way", WAYS)
def test_no_agent(inside, tmp_path, way):
    """An engine that is not there has no containers, and is not made; an agent that is said to be elsewhere has to be there."""
    root, agent = tmp_path / "root", tmp_path / "slipway"
    for how, words in (
        (
            {"ansible_slipway_root": str(root), "ansible_slipway_run_root": str(tmp_path / "run")},
            f"there is no engine at {root}",
        ),
        ({"ansible_slipway_agent": str(agent)}, str(agent)),
    ):
        play = inside.play("raw.yml", {"it": inside.host("bare", way, **how)}, command="true")
        unreachable(play, "Command", words)
    assert not root.exists()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("check", [True, False])
def test_a_lost_agent(inside, way, check):
    """A container whose engine has lost its program is reached all the same; the program comes back, but not in check mode."""
    agent = Path(inside.node.layout.agent)
    kept = agent.rename(f"{agent}.kept")
    try:
        hosts = {"it": inside.host("debian", way)}
        play = inside.play("look.yml", hosts, *(["--check"] if check else []))
        assert play["Look"]["stat"]["isdir"]
        assert agent.exists() != check
    finally:
        shutil.rmtree(agent, ignore_errors=True)
        kept.rename(agent)


def test_no_host(inside):
    """The host between can't be reached: that host is named."""
    hosts = {"it": inside.host("bare", "nested")}
    play = inside.play("raw.yml", hosts, outer={"ansible_port": 1}, command="true")
    unreachable(play, "Command", "outer")
    play = inside.play(
        "raw.yml", {"it": inside.host("bare", "local", ansible_slipway_host="nowhere")}, command="true"
    )
    unreachable(play, "Command", "nowhere")


@pytest.mark.parametrize(
    ("become", "outcome", "words"),
    [
        ({}, "unreachable", "the host may need ansible_become"),
        ({"ansible_become": True, "ansible_become_password": "wrong"}, "failed", "Incorrect sudo password"),
        ({"ansible_become": True}, "failed", "Missing sudo password"),
    ],
)
def test_not_root_outside(inside, become, outcome, words):
    """Who logs in there and is not root is told how to become root, and which password is wrong or missing."""
    with sshd(USER) as host:
        hosts = {"it": inside.host("bare", "nested")}
        play = inside.play("raw.yml", hosts, outer={**host.variables, **become}, command="true")
    [task] = play.tasks
    assert task.outcome == outcome
    assert words in task.result["msg"]


def sleepers(seconds: int) -> list[str]:
    """Return the pids of all processes that sleep so long, in containers too."""
    wanted = b"sleep\0%d\0" % seconds
    return [pid for pid in os.listdir("/proc") if pid.isdigit() and _command(pid).endswith(wanted)]


def _command(pid: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


@pytest.mark.parametrize("way", WAYS)
def test_timeout(inside, way):
    """A task that takes too long fails, and what it runs in the container is killed."""
    play = inside.play("raw.yml", {"it": inside.host("bare", way)}, command="sleep 54321; true", seconds=2)
    assert "imed out" in play["Command"]["msg"] or "timeout" in play["Command"]["msg"]
    eventually(lambda: not sleepers(54321), "it does not sleep any longer", timeout=10)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("way", WAYS)
def test_interrupted(inside, way, signum):
    """A play that is ended, by Ctrl-C or by AWX, ends what it runs in the container."""
    hosts = {"it": inside.host("bare", way)}
    with inside.started("raw.yml", hosts, command="sleep 65432; true") as process:
        eventually(lambda: sleepers(65432), "it sleeps in the container")
        os.killpg(process.pid, signum) if signum == signal.SIGINT else process.terminate()
        process.wait(30)
    eventually(lambda: not sleepers(65432), "it does not sleep any longer", timeout=10)
