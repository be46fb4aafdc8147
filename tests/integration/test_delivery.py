# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine travels once: a bare host gets it with its first task, however that reaches it, and keeps it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from enginehost import eventually
from plays import Play, environment, run_playbook
from sshhost import PASSWORD, USER, sshd

#: What Ansible says (-vvv) when the archive goes to a host.
SENT = re.compile(r"PUT \S+ TO \S+/slipway-engine\.zip")
VOLUME = {"name": "Make", "slipway.oci.volume": {"name": "v-{{ inventory_hostname }}"}}
REMOVE = {"name": "Remove", "slipway.oci.volume": {"name": "v-{{ inventory_hostname }}", "state": "absent"}}
LOOK = {"name": "Look", "slipway.oci.volume_info": {}}
HERE = {"here": {"ansible_connection": "local"}}


class Bare:
    """A host that the engine has not come to, and plays on it."""

    def __init__(self, node) -> None:
        self.node = node

    def play(self, *tasks: dict[str, Any], hosts: dict[str, Any] | None = None, **settings: str) -> Play:
        """Run a play of these tasks; it has to go well, and no temporary directory is left."""
        inventory = {"all": {"hosts": hosts or HERE}}
        play = {"hosts": "all", "gather_facts": False, "tasks": [*tasks]}
        play["module_defaults"] = {"group/slipway.oci.engine": self.node.where}
        self.file("hosts.yml", inventory)
        self.file("play.yml", [play])
        log = Path(self.node.top, "log")
        log.unlink(missing_ok=True)
        more = {"ANSIBLE_PYTHON_INTERPRETER": sys.executable, "ANSIBLE_LOG_PATH": str(log), **settings}
        return run_playbook(
            self.node.tree, self.node.top, "-vvv", "-i", "hosts.yml", "play.yml", settings=more
        )

    @property
    def sent(self) -> int:
        """Return how often the last play has sent the engine."""
        return len(SENT.findall(Path(self.node.top, "log").read_text()))

    @property
    def engines(self) -> list[str]:
        """Return the engines below the root."""
        agent = Path(self.node.layout.agent)
        return [path.name for path in agent.iterdir() if not path.is_symlink()] if agent.exists() else []

    def file(self, name: str, content: Any) -> None:
        """Write a file that Ansible reads."""
        Path(self.node.top, name).write_text(yaml.safe_dump(content))


@pytest.fixture
def bare(node):
    """Return a host that the engine has not come to; what a test makes there it removes."""
    return Bare(node)


def test_check_mode_leaves_nothing(bare):
    """A bare host is predicted for with the engine in the task's own directory; a look leaves nothing either."""
    found = bare.node.play(LOOK, VOLUME, check=True)
    assert (found.failed, found.changed) == ([], ["Make"])
    assert bare.play(LOOK).failed == []
    assert not os.path.exists(bare.node.layout.root)
    assert not os.path.exists(bare.node.layout.run_root)


def test_many_forks_bring_one(bare):
    """Tasks that come to one host at once all go well, and leave one engine; no task after them sends it again."""
    hosts = {f"h{number}": {"ansible_connection": "local"} for number in range(5)}
    first = bare.play(VOLUME, hosts=hosts)
    assert (first.failed, len(first.changed), len(bare.engines)) == ([], 5, 1)
    assert 1 <= bare.sent <= 5
    assert bare.play(LOOK, REMOVE, hosts=hosts).failed == []
    assert (bare.sent, len(bare.engines)) == (0, 1)


@pytest.mark.parametrize("poll", [0, 1])
def test_in_the_background(bare, poll):
    """A task in the background brings the engine too, and it stays for the next."""
    task = {**VOLUME, "async": 60, "poll": poll, "register": "job"}
    until = {
        "name": "Wait",
        "ansible.builtin.async_status": {"jid": "{{ job.ansible_job_id }}"},
        "register": "end",
        "until": "end.finished",
        "retries": 100,
        "delay": 0.1,
    }
    async_dir = {"ANSIBLE_ASYNC_DIR": f"{bare.node.top}/async"}
    first = bare.play(task, *([] if poll else [until]), **async_dir)
    assert (first.failed, bare.sent, len(bare.engines)) == ([], 1, 1)
    assert first["Make" if poll else "Wait"]["changed"]
    assert bare.play({**REMOVE, "async": 60, "poll": 1}, **async_dir).failed == []
    assert bare.sent == 0


def test_loops_and_delegation(bare):
    """Each turn of a loop finds the engine that the first has brought, also on the host that it is delegated to."""
    volume = {"name": "{{ item }}", "state": "{{ state | default('present') }}"}
    task = {"name": "Make", "slipway.oci.volume": volume, "loop": ["a", "b", "c"], "delegate_to": "there"}
    hosts = {"here": {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}}
    asked = {**HERE, "there": {"ansible_connection": "local"}}
    once = {**task, "run_once": True}
    first = bare.play(once, hosts={**hosts, "there": asked["there"]})
    assert (first.failed, bare.sent, len(bare.engines)) == ([], 1, 1)
    assert [one["changed"] for one in first["Make"]["results"]] == [True, True, True]
    assert bare.play({**once, "vars": {"state": "absent"}}, hosts=asked).failed == []
    assert bare.sent == 0


@pytest.mark.parametrize("pipelining", ["true", "false"])
def test_a_login_that_becomes_root(bare, need, pipelining):
    """Over SSH, by a user who is not root and becomes it with a password, the engine is root's alone."""
    need(shutil.which("ssh") and shutil.which("sshd"), "ssh and sshd")
    with sshd(USER) as host:
        hosts = {"far": {**host.variables, "ansible_become_password": PASSWORD, "ansible_become": True}}
        settings = {"ANSIBLE_PIPELINING": pipelining, "ANSIBLE_REMOTE_TEMP": "~/.ansible/tmp"}
        settings["ANSIBLE_PYTHON_INTERPRETER"] = "/usr/bin/python3"
        first = bare.play(VOLUME, hosts=hosts, **settings)
        assert (first.failed, bare.sent, len(bare.engines)) == ([], 1, 1)
        assert bare.play(REMOVE, hosts=hosts, **settings).failed == []
        assert bare.sent == 0
        assert list(Path(host.top, "home").glob(".ansible/tmp/*")) == []
    agent = Path(bare.node.layout.agent)
    below = [agent, *agent.rglob("*")]
    assert {
        (path.lstat().st_uid, path.lstat().st_mode & 0o022) for path in below if not path.is_symlink()
    } == {(0, 0)}


def test_who_is_not_root_is_told_so(bare):
    """Somebody who is not root can't install the engine; it answers from the archive that he needs to be root."""
    task = {**VOLUME, "become": True, "become_user": "nobody"}
    failed = bare.play(
        task, ANSIBLE_PYTHON_INTERPRETER="/usr/bin/python3", ANSIBLE_REMOTE_TEMP="~/.ansible/tmp"
    )
    assert failed["Make"]["error"] == "not_root"
    assert not os.path.exists(bare.node.layout.root)


def test_a_temporary_directory_without_programs(bare):
    """Nothing is run from the temporary directory, so it may be mounted noexec."""
    place = Path(bare.node.top, "noexec")
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "noexec,nosuid", "tmpfs", place], check=True)
    try:
        settings = {"ANSIBLE_REMOTE_TEMP": str(place), "ANSIBLE_PIPELINING": "false"}
        done = bare.play(VOLUME, REMOVE, **settings)
        assert (done.failed, bare.sent, len(bare.engines)) == ([], 1, 1)
    finally:
        eventually(lambda: subprocess.run(["umount", place], check=False).returncode == 0, "unmounted")


def test_a_command_line(bare):
    """The program ansible runs a module as a play does."""
    where = " ".join(f"{name}={value}" for name, value in bare.node.where.items())
    command = ["ansible", "-i", "here,", "-c", "local", "here", "-m", "slipway.oci.volume"]
    settings = {"ANSIBLE_STDOUT_CALLBACK": "default", "ANSIBLE_PYTHON_INTERPRETER": sys.executable}
    for state in ("present", "absent"):
        done = subprocess.run(
            [*command, "-a", f"name=v state={state} {where}"],
            check=False,
            capture_output=True,
            text=True,
            env=environment(bare.node.tree, bare.node.top, settings),
        )
        assert (done.returncode, "CHANGED" in done.stdout) == (0, True), done.stdout + done.stderr
    assert len(bare.engines) == 1


def test_pythons(bare, need):
    """Hosts may have any Python from 3.9 on; another one than that which installed the engine leaves its own bytecode."""
    found = sorted(
        Path.home().glob(".pyenv/versions/3.*/bin/python3"),
        key=lambda path: int(path.parts[-3].split(".")[1]),
    )
    pythons = [path for path in found if int(path.parts[-3].split(".")[1]) >= 9]
    need(len(pythons) > 1, "more than one Python")
    for python in pythons:
        assert bare.play(VOLUME, REMOVE, ANSIBLE_PYTHON_INTERPRETER=str(python)).failed == []
        assert bare.sent == (python == pythons[0])
    bytecode = {path.name for path in Path(bare.node.layout.agent).rglob("volume.*.pyc")}
    assert len(bytecode) == len(pythons)


def test_a_root_that_others_can_write_to(bare):
    """An engine that anybody else could have put there is not run: the one that was sent is."""
    assert bare.play(VOLUME).failed == []
    os.chmod(bare.node.layout.root, 0o770)
    for task in (LOOK, REMOVE):
        assert bare.play(task).failed == []
        assert bare.sent == 1
    os.chmod(bare.node.layout.root, 0o700)
