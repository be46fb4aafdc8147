# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages of docs/ can be found."""

from __future__ import annotations

import re


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
