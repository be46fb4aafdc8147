# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine with systemd that the collection drives over SSH; the program beside this file makes it and runs it."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from dockerarchive import busybox_layer, write_archive
from enginehost import eventually
from plays import Play, run_playbook

IMAGE = "localhost/box:1"
PROGRAM = Path(__file__).parent / "machine"
NEEDS = "qemu-system-x86_64 qemu-img debootstrap cpio mke2fs ssh busybox".split()


class Machine:
    """The machine; ``top`` is a directory of this host for what plays need."""

    def __init__(self, tree: Path, top: Path, archive: Path) -> None:
        self.tree = tree
        self.top = str(top)
        self.archive = archive

    def do(self, verb: str) -> None:
        """Run a verb of the program: resume, reboot, cut, stop."""
        subprocess.run([PROGRAM, verb], check=True, timeout=900)

    def run(self, command: str, *, check: bool = True, timeout: float = 120) -> str:
        """Run a shell command in the machine, over the session that all share, and return what it wrote."""
        done = subprocess.run(
            [PROGRAM, "ssh", command], check=False, capture_output=True, text=True, timeout=timeout
        )
        assert not check or done.returncode == 0, f"{command}: {done.returncode} {done.stdout} {done.stderr}"
        return done.stdout.strip()

    def log_out(self) -> None:
        """End the login session, and wait until systemd has done away with it."""
        session = self.run("cat /proc/self/cgroup").removeprefix("0::")
        assert "/session-" in session
        self.do("logout")
        eventually(lambda: not self.holds(f"test -d /sys/fs/cgroup{session}"), "logged out", timeout=60)

    def holds(self, command: str) -> bool:
        """Tell whether a shell command in the machine ends with 0."""
        return subprocess.run([PROGRAM, "ssh", command], check=False, capture_output=True).returncode == 0

    def inspect(self, name: str) -> dict[str, Any]:
        """Return a container's shape as the agent in the machine tells it."""
        [shape] = json.loads(self.run(f"slipway inspect {name}"))
        return shape

    def becomes(self, name: str, **wanted: Any) -> dict[str, Any]:
        """Wait until the container's state is so, as in ``Running=True``, and return its shape."""

        def reached() -> dict[str, Any] | None:
            shape = self.inspect(name)
            seen = {key: shape["State"].get(key) for key in wanted}
            return shape if seen == wanted else None

        return eventually(reached, f"{name}: {wanted}", timeout=120)

    def play(self, *tasks: dict[str, Any], roles: tuple[str, ...] = (), check: bool = False) -> Play:
        """Run a playbook of these tasks against the machine, over SSH."""
        playbook, inventory = Path(self.top, "play.yml"), Path(self.top, "inventory")
        head = {"hosts": "vm", "gather_facts": False, "roles": [*roles], "tasks": list(tasks)}
        playbook.write_text(yaml.safe_dump([head]))
        options = subprocess.check_output([PROGRAM, "options"], text=True).split("\n")
        inventory.write_text(
            "vm ansible_host=127.0.0.1 ansible_user=root ansible_python_interpreter=/usr/bin/python3\n"
        )
        return run_playbook(
            self.tree,
            self.top,
            "-i",
            str(inventory),
            str(playbook),
            *(["--check"] if check else []),
            settings={
                "ANSIBLE_SSH_ARGS": shlex.join(word for word in options if word),
                "ANSIBLE_REMOTE_TEMP": "/root/.ansible/tmp",
                "ANSIBLE_TIMEOUT": "60",
            },
        )

    def container(self, name: str, *command: str, state: str = "started", **options: Any) -> dict[str, Any]:
        """Return the task that has a container, without network unless told."""
        asked = {"name": name, "image": IMAGE, "state": state, "network": "none", **options}
        return {
            "name": name,
            "slipway.oci.container": {**asked, **({"command": [*command]} if command else {})},
        }

    def have(self, *tasks: dict[str, Any]) -> Play:
        """Run the tasks, none of which may fail."""
        play = self.play(*tasks)
        assert play.failed == []
        return play


@pytest.fixture(scope="session")
def booted(need, tree, tmp_path_factory):
    """Return the machine as it was made, with the image's archive at /srv/box.tar; it is stopped at the end."""
    need(os.geteuid() == 0, "root")
    for program in NEEDS:
        need(shutil.which(program), program)
    subprocess.run([PROGRAM, "build"], check=True, timeout=1800)
    top = tmp_path_factory.mktemp("vm")
    archive = write_archive(top / "box.tar", IMAGE, [busybox_layer(shutil.which("busybox"))])
    machine = Machine(tree, top, archive)
    machine.do("resume")
    try:
        yield machine
    finally:
        machine.do("stop")


@pytest.fixture(scope="session")
def machine(booted):
    """Return the machine after the role, with the image loaded."""
    load = {"name": "load", "slipway.oci.image_load": {"input": "/srv/box.tar"}}
    copy = {
        "name": "copy",
        "ansible.builtin.copy": {"src": str(booted.archive), "dest": "/srv/box.tar", "mode": "0644"},
    }
    play = booted.play(copy, load, roles=("slipway.oci.host",))
    assert play.failed == []
    return booted


@pytest.fixture
def clean(machine):
    """Return the machine, and remove the test's containers; what is left of them then is an error."""
    yield machine
    names = [shape["Name"] for shape in json.loads(machine.run("slipway ps --json"))]
    if names:
        machine.have(*(machine.container(name, state="absent", stop_time=0) for name in reversed(names)))
    eventually(lambda: leftovers(machine) == [], "nothing left", timeout=60)


def leftovers(machine: Machine) -> list[str]:
    """Name units, cgroups, mounts and processes of containers that are there."""
    look = (
        "systemctl list-units --all --plain --no-legend 'slipway-*.scope' '*-parent*.slice' | cut -d' ' -f1;"
        " find /sys/fs/cgroup -type d -name '*slipway-*' ! -name 'slipway*.service' ;"
        " grep -o '/var/lib/slipway/containers/[^ ]*' /proc/mounts; pgrep -a conmon; ls /var/lib/slipway/containers"
    )
    return machine.run(look, check=False).splitlines()
