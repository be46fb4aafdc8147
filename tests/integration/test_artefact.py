# SPDX-License-Identifier: GPL-3.0-or-later
"""What `ansible-galaxy collection build` packs is the collection alone, and installs offline."""

from __future__ import annotations

import os
import subprocess
import tarfile

import pytest

TOP = {"CHANGELOG.md", "CONTRIBUTING.md", "FILES.json", "LICENSE", "MANIFEST.json", "README.md"}
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
    assert "plugins/module_utils/_engine/errors.py" in names
    strays = [name for name in names if name not in TOP and name.partition("/")[0] not in FOLDERS]
    assert strays == []
    assert [name for name in names if "/." in name or "__pycache__" in name] == []


def test_it_installs_offline(tree, artefact, tmp_path):
    """The artefact installs with no server to ask, and Ansible then documents each of its modules."""
    alone = {"ANSIBLE_COLLECTIONS_PATH": str(tmp_path)}
    run("ansible-galaxy", "collection", "install", str(artefact), "--offline", "-p", str(tmp_path), **alone)
    listed = run("ansible-doc", "--list", "slipway.oci", **alone)
    modules = {f"slipway.oci.{file.stem}" for file in tree.glob("plugins/modules/*.py")}
    assert {line.split()[0] for line in listed.splitlines()} == modules
