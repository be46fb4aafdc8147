# SPDX-License-Identifier: GPL-3.0-or-later
"""Molecule's instances: the collection's scenarios, the role of docs/molecule.md, and what create and destroy touch."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from guide import Guide

from _engine.kernel.cgroup import cgroups
from enginehost import eventually
from plays import Play, run_playbook

SCENARIOS = ("default", "lifecycle", "remote", "volumes_copy_up")
#: What Molecule puts into each inventory that it makes.
MOLECULE = {
    "molecule_yml": "{{ lookup('file', lookup('env', 'MOLECULE_FILE')) | from_yaml }}",
    "molecule_scenario_directory": "{{ lookup('env', 'MOLECULE_SCENARIO_DIRECTORY') }}",
}


@pytest.fixture(scope="module")
def engine(fresh_node, debian) -> Iterator:
    """Return an engine that has the Debian: its layers are not unpacked for each scenario anew."""
    with fresh_node() as node:
        node.load(debian)
        yield node


@pytest.fixture
def kept(engine) -> Iterator:
    """Return the engine, and check that all is as it was when Molecule has come to its end."""
    before, inner = set(engine.leftovers()), cgroups.exists("/slipway")
    yield engine
    eventually(lambda: set(engine.leftovers()) == before, "all as before", timeout=15.0)
    assert cgroups.exists("/slipway") == inner  # of an engine inside an instance


@pytest.fixture
def molecule(kept, tree, archive, debian) -> Iterator:
    """Return the function that runs Molecule, which must go well, and gives what it wrote."""
    home = tempfile.mkdtemp(prefix="slipway-molecule-")  # short, since ssh makes sockets below it
    own = {
        "ANSIBLE_HOME": home,
        "NO_COLOR": "1",
        "SLIPWAY_MOLECULE_APP": str(archive),
        "SLIPWAY_MOLECULE_DEBIAN": str(debian),
        "SLIPWAY_MOLECULE_ROOT": kept.layout.root,
        "SLIPWAY_MOLECULE_RUN_ROOT": kept.layout.run_root,
        "SLIPWAY_MOLECULE_PORT": str(free_port()),
    }

    def run(*argv: str, cwd: Path = tree, stdin: str = "") -> str:
        # Molecule says on stderr what it is about to do, and Ansible on stdout what it does.
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        done = subprocess.run(argv, check=False, cwd=cwd, env={**os.environ, **own}, input=stdin, **streams)
        written = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
        assert done.returncode == 0, written
        return written

    try:
        yield run
    finally:
        shutil.rmtree(home)


def free_port() -> int:
    """Return a port of the loopback device that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_scenario(molecule, tree, scenario):
    """Created, created again without a change, converged, again without a change, verified, destroyed: nothing is left."""
    written = molecule(str(tree / "tests/molecule"), "test", "-s", scenario, "--no-command-borders")
    steps = re.split(rf"^INFO +\[{scenario} > (\w+)\] Executing$", written, flags=re.MULTILINE)
    made, again = [steps[position + 1] for position in (3, 5)]
    assert (steps[3], steps[5]) == ("create", "side_effect")
    assert changes(made) > 0
    assert changes(again) == 0
    assert changes(steps[-1]) > 0


def test_every_scenario_is_run(tree):
    """A scenario that is added is run here."""
    assert {path.parent.name for path in tree.glob("extensions/molecule/*/molecule.yml")} == {*SCENARIOS}


def changes(recap: str) -> int:
    """Return how many tasks have changed something, by Ansible's closing lines."""
    return sum(int(number) for number in re.findall(r" changed=(\d+) ", recap))


def test_a_role_of_somebody_else(molecule, kept, tree, tmp_path):
    """The files of docs/molecule.md, in a role that is not the collection's, are tested by Molecule as they stand."""
    guide = Guide((tree / "docs/molecule.md").read_text(), tmp_path / "motd")
    guide.write()
    places = {f"ansible_slipway_{name}": place for name, place in kept.where.items()}
    base = tmp_path / "base.yml"  # where the engine of this test is
    base.write_text(yaml.safe_dump({"provisioner": {"inventory": {"group_vars": {"all": places}}}}))
    run = ("molecule", "-c", str(base))
    written = molecule(*run, "test", "--no-command-borders", "--destroy=never", cwd=tmp_path / "motd")
    for step in ("create", "converge", "idempotence", "verify"):
        assert f"default > {step}: Executed: Successful" in written
    # A terminal is needed: script(1) gives one, and hands on what it reads.
    login = shlex.join([*run, "login", "--host", "motd-plain"])
    typed = 'stty size; cat /etc/motd "/proc/1/comm"; exit\n'
    said = molecule("script", "-qec", login, "/dev/null", cwd=tmp_path / "motd", stdin=typed)
    assert "This is plain." in said
    assert "sleep" in said
    assert "default > destroy: Executed: Successful" in molecule(
        *run, "destroy", "--no-command-borders", cwd=tmp_path / "motd"
    )
    assert kept.volumes() == []


class Scenario:
    """A scenario's files, and the collection's playbooks run on them as Molecule runs them."""

    def __init__(self, node, tree: Path, top: Path) -> None:
        self.node, self.tree, self.top = node, tree, top

    def play(self, verb: str, *platforms: dict[str, object]) -> Play:
        """Run create or destroy with these platforms."""
        places = {f"ansible_slipway_{name}": place for name, place in self.node.where.items()}
        hosts = {str(platform["name"]): {} for platform in platforms}
        self._write("molecule.yml", {"platforms": [*platforms]})
        self._write("inventory.yml", {"all": {"vars": {**MOLECULE, **places}, "hosts": hosts}})
        settings = {
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "MOLECULE_FILE": f"{self.top}/molecule.yml",
            "MOLECULE_SCENARIO_DIRECTORY": str(self.top),
        }
        inventory = f"{self.top}/inventory.yml"
        return run_playbook(
            self.tree, str(self.top), "-i", inventory, f"slipway.oci.molecule_{verb}", settings=settings
        )

    def _write(self, name: str, content: object) -> None:
        (self.top / name).write_text(yaml.safe_dump(content))


@pytest.fixture
def scenario(node, tree, tmp_path) -> Scenario:
    """Return a scenario whose engine has nothing yet."""
    return Scenario(node, tree, tmp_path)


def test_what_is_others_stays(scenario, archive, other_archive):
    """Create takes nobody's place; destroy removes all that was made, dropped platforms too, and nothing else."""
    node = scenario.node
    node.load(archive)
    theirs = {"image": "localhost/app:1", "network": "none", "command": "sleep 1000", "stop_timeout": 0}
    node.task("container", name="theirs", volume=["theirs:/data"], **theirs)
    before = pictured(node)

    one = {"name": "one", "archive": str(archive), "networks": [{"name": "none"}]}
    one["volumes"] = ["mine:/data", "theirs:/theirs", "/anonymous"]
    two = {"name": "two", "image": "localhost/app:1", "network_mode": "none", "requires": ["one"]}
    made = scenario.play("create", one, two)
    assert made.failed == []
    assert node.inspect("one")["State"]["Running"]
    assert scenario.play("create", one, two).changed == []

    refused = scenario.play("create", {"name": "theirs", "archive": str(archive), "network_mode": "none"})
    assert "was not created by this scenario" in str(refused.failed)
    assert {*before["containers"]} <= {*pictured(node)["containers"]}

    other = {**one, "archive": str(other_archive), "command": ["sleep", "1000"]}
    altered = scenario.play("create", other)  # and the second is no platform any more
    assert altered.failed == []
    assert len(pictured(node)["images"]) == 2  # the older archive's has gone
    assert node.data("mine").joinpath("table.db").exists()  # which came from it, and is data

    node.task("container", name="needy", requires=["one"], **theirs)
    refused = scenario.play("destroy", other)
    assert "Container needy" in str(refused.tasks[-1].result)
    node.bring("needy", "absent", stop_time=0)

    ended = scenario.play("destroy")  # nor is the first one
    assert ended.failed == []
    assert pictured(node) == before
    assert scenario.play("destroy", other).changed == []


REFUSED = {
    "not implemented yet": {"network_mode": "none", "pod": "web"},
    "colour": {"network_mode": "none", "colour": "blue"},
    "no image named": {"network_mode": "none"},
}


@pytest.mark.parametrize("words", REFUSED)
def test_refused_by_the_module(scenario, words):
    """What a platform asks for in vain is refused in the module's own words."""
    refused = scenario.play("create", {"name": "one", "image": "localhost/absent:1", **REFUSED[words]})
    assert [words in told for _task, told in refused.failed] == [True], refused.failed


def pictured(node) -> dict[str, list[object]]:
    """Return what the engine has: its containers with their ids, its volumes, its images with their names."""
    found = {what: node.task(f"{what[:-1]}_info")[what] for what in ("containers", "volumes", "images")}
    return {
        "containers": [(shape["Name"], shape["Id"], shape["State"]["Pid"]) for shape in found["containers"]],
        "volumes": [(shape["Name"], shape["Labels"]) for shape in found["volumes"]],
        "images": [(shape["Id"], shape["RepoTags"]) for shape in found["images"]],
    }
