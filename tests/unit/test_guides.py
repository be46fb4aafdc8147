# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages of docs/ can be found."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest


def pages(text: str) -> set[str]:
    """Return the pages of docs/ that a text names."""
    return set(re.findall(r"docs/\w+\.md", text))


def test_each_page_is_named(tree):
    """The README or CONTRIBUTING links to each page."""
    told = pages((tree / "README.md").read_text() + (tree / "CONTRIBUTING.md").read_text())
    assert {f"docs/{path.name}" for path in tree.glob("docs/*.md")} - told == set()


def test_guides_are_the_same_everywhere(tree):
    """The README's guides are those of the collection's docsite page (docs/docsite)."""
    _before, _heading, section = (tree / "README.md").read_text().partition("## Guides")
    assert pages(section.partition("\n## ")[0]) == pages((tree / "docs/docsite/rst/guides.rst").read_text())


def test_each_module_is_named(tree):
    """The README's tables have each module and plugin."""
    words = set(re.findall(r"`(\w+)`", (tree / "README.md").read_text()))
    kinds = ("modules", "connection", "inventory", "filter", "test")
    files = [file for kind in kinds for file in tree.glob(f"plugins/{kind}/*.py")]
    assert {file.stem for file in files} - words == set()
    assert {path.name for path in tree.glob("roles/*")} - words == set()


def test_readme_is_short(tree):
    """The README has at most 150 lines."""
    assert len((tree / "README.md").read_text().splitlines()) <= 150


def test_refused_options_are_listed(tree):
    """The page about moving names each option that is refused so far, and no other."""
    from _engine.model.container.options import REFUSED

    _before, _heading, section = (
        (tree / "docs/moving.md").read_text().partition("## Options that are refused")
    )
    named = set(re.findall(r"`(\w+)`", section.partition("\n## ")[0])) - {"podman_container", "not_built_yet"}
    assert named == set(REFUSED)


@pytest.mark.parametrize("name", ["pictures.py", "troubleshooting.py"])
def test_generated_pages_are_current(tree, tmp_path, name):
    """Pictures and the page of error codes are what their sources make; an error code without an entry fails here."""
    subprocess.run([sys.executable, tree / "tests/docs" / name, tmp_path], check=True)
    for made in tmp_path.iterdir():
        assert made.read_text() == (tree / "docs" / made.name).read_text(), 'run "make generated"'
