# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation of options is generated from the tables that declare them."""

from __future__ import annotations

import pytest
import yaml

import optiondocs
from sourcetree import PLUGINS


@pytest.mark.parametrize("path", optiondocs.FILES)
def test_documentation_is_what_the_tables_say(path):
    """A file with generated documentation is as its generator writes it."""
    assert (PLUGINS / path).read_text() == optiondocs.generated(path), "run `make generated`"


def test_the_argument_spec_is_what_the_tables_say():
    """The argument spec used by an unchanged task is the one generated from the tables."""
    assert (PLUGINS / optiondocs.ARGUMENTS).read_text() == optiondocs.arguments(), "run `make generated`"


def test_a_changed_row_is_seen(monkeypatch):
    """Changing a row changes the generated file."""
    path = "modules/container.py"
    row = next(row for row in optiondocs.OPTIONS if row.name == "hostname")
    rows = [row._replace(change="live") if one is row else one for one in optiondocs.OPTIONS]
    monkeypatch.setattr(optiondocs, "OPTIONS", rows)
    assert optiondocs.generated(path) != (PLUGINS / path).read_text()


PARTS = {
    "one line": ("Name of it.", {"": ["Name of it."]}),
    "paragraphs": (
        "Name of\n    it.\n\n    Unset, none.\n    ",
        {"": ["Name of it.", "Unset, none."]},
    ),
    "arguments": (
        "\n    one:\n        First\n        words.\n\n        More.\n\n    two:\n        Last.\n    ",
        {"one": ["First words.", "More."], "two": ["Last."]},
    ),
    "own options": (
        "All.\n\n    size:\n        How: much.\n    ",
        {"": ["All."], "size": ["How: much."]},
    ),
}


@pytest.mark.parametrize("case", PARTS)
def test_the_text_below_a_row(case):
    """Paragraphs are items, and each argument or option of an option has a part of its own."""
    text, wanted = PARTS[case]
    assert optiondocs.parts(text) == wanted


@pytest.mark.parametrize(
    "text", ["a: b", '"quoted" # words', "[a, b] or C({{.ID}})", "back\\slash: x", "- a"]
)
def test_any_text_becomes_yaml(text):
    """What YAML would take for something else is quoted."""
    lines = optiondocs.rendered({"x": {"description": [text], "type": "str", "default": False}})
    assert yaml.safe_load("\n".join(lines)) == {"x": {"description": [text], "type": "str", "default": False}}


def test_nothing_of_it_is_imported():
    """Python does not compile the text below a row, so it costs tasks nothing."""
    path = PLUGINS / "module_utils/_engine/model/container/options.py"
    code = compile(path.read_text(), path.name, "exec")
    classes = [const for const in code.co_consts if hasattr(const, "co_consts")]
    held = [const for one in (code, *classes) for const in one.co_consts if isinstance(const, str)]
    told = optiondocs.texts("_engine/model/container/options.py", "ContainerOptions")
    assert not set(held) & set(told.values())
