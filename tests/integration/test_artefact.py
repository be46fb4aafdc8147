# SPDX-License-Identifier: GPL-3.0-or-later
"""What `ansible-galaxy collection build` packs is the collection alone, and installs offline."""

from __future__ import annotations

import os
import subprocess
import tarfile

import pytest
import yaml
from packaging.requirements import Requirement

TOP = {
    "CHANGELOG.md",
    "CODE_OF_CONDUCT.md",
    "CONTRIBUTING.md",
    "FILES.json",
    "LICENSE",
    "MANIFEST.json",
    "README.md",
    "SECURITY.md",
}
FOLDERS = {"changelogs", "docs", "meta", "playbooks", "plugins", "roles"}


@pytest.fixture(scope="module")
def artefact(tree, tmp_path_factory):
    """Build the collection from the tree as it lies here, with all that lies about in it."""
    into = tmp_path_factory.mktemp("artefact")
    run("ansible-galaxy", "collection", "build", str(tree), "--output-path", str(into))
    (built,) = into.glob("slipway-oci-*.tar.gz")
    return built


def run(*argv: str, **environment: str) -> str:
    """Run a program, and return what it printed; a failure shows its words."""
    done = subprocess.run(
        argv, check=False, capture_output=True, text=True, env={**os.environ, **environment}
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def test_it_holds_no_tests_and_no_caches(artefact):
    """The artefact holds only what a user runs or reads."""
    with tarfile.open(artefact) as archive:
        names = [member.name for member in archive if not member.isdir()]
    assert {
        "plugins/module_utils/_engine/errors.py",
        "roles/host/README.md",
        "roles/molecule/README.md",
        *TOP,
    } <= {*names}
    strays = [name for name in names if name not in TOP and name.partition("/")[0] not in FOLDERS]
    assert strays == []
    assert [name for name in names if "/." in name or "__pycache__" in name] == []


@pytest.fixture(scope="module")
def installed(artefact, tmp_path_factory):
    """Install the artefact with no server to ask, and return the directory of collections."""
    into = str(tmp_path_factory.mktemp("installed"))
    alone = {"ANSIBLE_COLLECTIONS_PATH": into}
    run("ansible-galaxy", "collection", "install", str(artefact), "--offline", "-p", into, **alone)
    return into


def test_it_installs_offline(tree, installed):
    """Ansible documents each module of what was installed."""
    listed = run("ansible-doc", "--list", "slipway.oci", ANSIBLE_COLLECTIONS_PATH=installed)
    modules = {f"slipway.oci.{file.stem}" for file in tree.glob("plugins/modules/*.py")}
    assert {line.split()[0] for line in listed.splitlines()} == modules


def test_execution_environment(installed, tmp_path):
    """ansible-builder finds in what was installed what an execution environment needs, and bindep can read it."""
    system = tmp_path / "bindep.txt"
    told = run("ansible-builder", "introspect", installed, "--write-bindep", str(system))
    found = yaml.safe_load(told)
    assert [Requirement(line.partition("#")[0]).name for line in found["python"]] == ["jmespath"]
    words = {line.split()[0] for line in found["system"]}
    assert words == {"openssh-client", "openssh-clients", "sshpass"}
    wanted = run("bindep", "--file", str(system), "--list_all", "newline").split()
    assert set(wanted) < words
    assert {"sshpass"} < set(wanted)
