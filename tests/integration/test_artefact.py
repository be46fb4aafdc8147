# SPDX-License-Identifier: GPL-3.0-or-later
"""What `ansible-galaxy collection build` packs is the collection and nothing else, and installs without a network."""

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
    galaxy("build", str(tree), "--output-path", str(into))
    (built,) = into.glob("slipway-oci-*.tar.gz")
    return built


def galaxy(*arguments: str) -> None:
    """Run ansible-galaxy collection."""
    subprocess.run(["ansible-galaxy", "collection", *arguments], check=True, capture_output=True)


def test_it_holds_no_tests_and_no_caches(artefact):
    """The artefact holds only what a user runs or reads."""
    with tarfile.open(artefact) as archive:
        names = [member.name for member in archive if not member.isdir()]
    assert "plugins/module_utils/_engine/errors.py" in names
    strays = [name for name in names if name not in TOP and name.partition("/")[0] not in FOLDERS]
    assert strays == []
    assert [name for name in names if "__pycache__" in name or name.endswith((".pyc", ".stamp"))] == []


def test_it_installs_offline(tree, artefact, tmp_path):
    """The artefact installs with no server to ask, and Ansible then documents each of its modules."""
    galaxy("install", str(artefact), "--offline", "--collections-path", str(tmp_path))
    listed = subprocess.run(
        ["ansible-doc", "--list", "slipway.oci"],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(tmp_path)},
    )
    modules = {f"slipway.oci.{file.stem}" for file in tree.glob("plugins/modules/*.py")}
    assert {line.split()[0] for line in listed.stdout.splitlines()} == modules
