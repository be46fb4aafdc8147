# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine with systemd that the collection drives over SSH; the program beside this file makes it and runs it."""

from __future__ import annotations

import json
import os
import platform
import shlex
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from dockerarchive import busybox_layer, layer, write_archive
from enginehost import eventually
from plays import Play, run_playbook

IMAGE = "localhost/box:1"
PROGRAM = Path(__file__).parent / "machine"
NEEDS = "qemu-system-x86_64 qemu-img debootstrap cpio mke2fs ssh busybox".split()


class Machine:
    """The machine; ``top`` is a directory of this host for what plays need."""

    #: The image's directory that a volume gets a copy of: many small files, so that a copy takes its time.
    seed = "/srv/seed"

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

    def loading(self, archive: Path) -> list[dict[str, Any]]:
        """Return the tasks that bring an archive to the machine and load it, "load NAME"."""
        place = f"/srv/{archive.name}"
        return [
            {"name": "copy", "ansible.builtin.copy": {"src": str(archive), "dest": place, "mode": "0644"}},
            {"name": f"load {archive.name}", "slipway.oci.image_load": {"input": place}},
        ]

    def have(self, *tasks: dict[str, Any]) -> Play:
        """Run the tasks, none of which may fail."""
        play = self.play(*tasks)
        assert play.failed == []
        return play

    def settled(self) -> None:
        """Wait until the machine has booted, and the unit has started what is to be started."""
        self.run("systemctl is-system-running --wait; systemctl is-active slipway.service", timeout=300)

    def copied_up(self, volume: str) -> bool:
        """Tell whether the volume holds just what the image has at ``seed``."""
        place = f"/var/lib/slipway/volumes/{volume}"
        look = f"diff -r /var/lib/slipway/layers/*/diff{self.seed} {place}/data; ls -A {place}"
        return self.run(look, check=False) == "data"


@pytest.fixture(scope="session")
def booted(need, tree, tmp_path_factory):
    """Return the machine as it was made, with the image's archive at /srv/box.tar; it is stopped at the end."""
    need(os.geteuid() == 0, "root")
    # The kernel and the tools are of the distribution.
    need(
        (platform.freedesktop_os_release()["ID"], platform.machine()) == ("debian", "x86_64"),
        "Debian on x86_64",
    )
    for program in NEEDS:
        need(shutil.which(program), program)
    subprocess.run([PROGRAM, "build"], check=True, timeout=1800)
    top = tmp_path_factory.mktemp("vm")
    archive = write_archive(top / "box.tar", IMAGE, [busybox_layer(shutil.which("busybox")), seed_layer()])
    machine = Machine(tree, top, archive)
    machine.do("resume")
    try:
        yield machine
    finally:
        machine.do("stop")


def seed_layer() -> bytes:
    """Return the layer with what a volume gets a copy of."""
    top = Machine.seed.lstrip("/")
    return layer({"srv": None, top: None, **{f"{top}/{n}": f"{n}\n".encode() * 1000 for n in range(400)}})


@pytest.fixture(scope="session")
def machine(booted):
    """Return the machine after the role, with the image loaded; ``first`` is the play that did so."""
    booted.first = booted.play(*booted.loading(booted.archive), roles=("slipway.oci.host",))
    assert booted.first.failed == []
    return booted


@pytest.fixture
def clean(machine):
    """Return the machine, and remove the test's containers and volumes; what is left of them then is an error."""
    yield machine
    # The program comes with the first container.
    told = machine.run("slipway ps --all --json") if machine.holds("command -v slipway") else "[]"
    names = [shape["Name"] for shape in json.loads(told)]
    if names:  # who needs others goes before these
        machine.run(f"slipway rm --force --time 0 {' '.join(reversed(names))}")
    volumes = machine.run("ls /var/lib/slipway/volumes").split()
    if volumes:
        machine.have(
            *({"name": name, "slipway.oci.volume": {"name": name, "state": "absent"}} for name in volumes)
        )
    deadline = time.monotonic() + 60
    while (left := leftovers(machine)) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert left == []


#: Of each container that is there it shows something, and of each verb that was not carried to its end.
LOOKS = """
systemctl list-units --all --plain --no-legend 'slipway-*' '*-parent*.slice' | cut -d' ' -f1 | grep -v ^slipway-firewall
systemctl list-units --failed --plain --no-legend
find /sys/fs/cgroup -type d -name '*slipway*' ! -name slipway.service ! -name slipway-firewall.service
grep -oE '/(var/lib|run)/slipway/[^ ]*' /proc/mounts
pgrep -a conmon
pgrep -a '^slipway|^crun$|^runc$'
pgrep -af '[s]lipway/agent'
cd /var/lib/slipway && ls -d containers/* volumes/* staging/*
cd /run/slipway && ls -d health.sock; find containers exits oci cgroups -mindepth 1
"""


def leftovers(machine: Machine) -> list[str]:
    """Name units, cgroups, mounts, processes and files of containers that are there."""
    return machine.run(LOOKS, check=False).splitlines()
