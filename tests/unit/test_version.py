# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions that are written in several places agree and are valid."""

from __future__ import annotations

import re

import yaml
from packaging.specifiers import SpecifierSet

from _engine.version import VERSION


def test_version_is_the_collections(tree):
    """The version that the agent reports is the one in galaxy.yml."""
    assert yaml.safe_load((tree / "galaxy.yml").read_text())["version"] == VERSION


def test_ansible_versions(tree):
    """The tested ansible-core versions satisfy `requires_ansible`, whose minimum is also the role's."""
    required = yaml.safe_load((tree / "meta/runtime.yml").read_text())["requires_ansible"]
    pinned = re.findall(r"^ansible-core==(\S+);", (tree / "requirements/run.txt").read_text(), re.MULTILINE)
    assert pinned
    assert [version for version in pinned if version not in SpecifierSet(required)] == []
    role = yaml.safe_load((tree / "roles/host/meta/main.yml").read_text())["galaxy_info"]
    assert required == f">={role['min_ansible_version']}.0"
