# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's version is the collection's."""

from __future__ import annotations

import yaml

from _engine.version import VERSION


def test_version_is_the_collections(tree):
    """The version that the agent tells is the one in galaxy.yml."""
    assert yaml.safe_load((tree / "galaxy.yml").read_text())["version"] == VERSION
