# SPDX-License-Identifier: GPL-3.0-or-later
"""Each test can fail: it asserts something, directly or by a helper whose docstring says that it fails."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
FILES = sorted(TESTS.rglob("test_*.py"))
#: The checks of pytest itself.
CHECKS = {"raises", "fail", "warns"}
FAILS = re.compile(r"\b[Ff]ail\b")

Functions = dict[str, list[ast.FunctionDef]]


@cache
def functions(file: Path) -> tuple[ast.FunctionDef, ...]:
    """Return the functions and methods of a file, including nested ones."""
    nodes = ast.walk(ast.parse(file.read_bytes()))
    return tuple(node for node in nodes if isinstance(node, ast.FunctionDef))


def helpers(file: Path) -> Functions:
    """Return the functions that a test file can call, by name: its own, tests/support's, the conftests'."""
    above = [folder / "conftest.py" for folder in file.parents if folder.is_relative_to(TESTS)]
    found: Functions = {}
    for one in (file, *filter(Path.exists, above), *TESTS.glob("support/*.py")):
        for node in functions(one):
            found.setdefault(node.name, []).append(node)
    return found


def called(node: ast.AST) -> Iterator[str]:
    """Yield the names of all functions and methods that some code calls."""
    for call in (part for part in ast.walk(node) if isinstance(part, ast.Call)):
        yield getattr(call.func, "attr", None) or getattr(call.func, "id", "")


def asserts(node: ast.AST, known: Functions, seen: frozenset[str] = frozenset()) -> bool:
    """Return whether some code asserts something, or calls a test, or a helper that says so and does."""
    if any(isinstance(part, ast.Assert) for part in ast.walk(node)) or CHECKS & {*called(node)}:
        return True
    for name in {*called(node)} & known.keys() - seen:
        for helper in known[name]:
            says = name.startswith("test_") or FAILS.search(ast.get_docstring(helper) or "")
            if says and asserts(helper, known, seen | {name}):
                return True
    return False


def unasserted(file: Path) -> list[str]:
    """Return the tests of a file that assert nothing."""
    known = helpers(file)
    tests = [node for node in functions(file) if node.name.startswith("test_")]
    return [node.name for node in tests if not asserts(node, known)]


@pytest.mark.parametrize("folder", sorted({file.relative_to(TESTS).parts[0] for file in FILES}))
def test_each_test_can_fail(folder):
    """Every test asserts something."""
    found = {
        str(file.relative_to(TESTS)): wrong
        for file in FILES
        if file.relative_to(TESTS).parts[0] == folder and (wrong := unasserted(file))
    }
    assert found == {}


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("def test_a():\n  assert x", []),
        ("def test_a():\n  with pytest.raises(OSError):\n    act()", []),
        ("def test_a():\n  act()", ["test_a"]),
        ("def helper():\n  assert x\ndef test_a():\n  helper()", ["test_a"]),
        ("def helper():\n  'Fail unless x.'\ndef test_a():\n  helper()", ["test_a"]),
        ("def helper():\n  'Fail unless x.'\n  assert x\ndef test_a():\n  helper()", []),
        ("def helper():\n  'Fail, or go on.'\n  helper()\ndef test_a():\n  helper()", ["test_a"]),
    ],
)
def test_what_asserts_nothing_is_found(tmp_path, text, wrong):
    """A test that only runs code is found; a helper counts if it asserts and says that it fails."""
    file = tmp_path / "test_planted.py"
    file.write_text(text)
    assert unasserted(file) == wrong
