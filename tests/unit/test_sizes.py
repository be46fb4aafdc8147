# SPDX-License-Identifier: GPL-3.0-or-later
"""Short functions and files, typed errors, docstrings on everything public, a licence in each file."""

from __future__ import annotations

import ast
import io
import re
import statistics
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from sourcetree import PLUGINS, sources

FILES = sources(PLUGINS)
ENGINE = [file for file in FILES if "_engine" in file.parts]
#: Lines of a function from ``def`` to its end, without its docstring; of a file without its tables.
MEDIAN, NINE_OF_TEN, LONGEST, FILE = 6, 15, 45, 400
SPDX = "# SPDX-License-Identifier: GPL-3.0-or-later"

Function = ast.FunctionDef, ast.AsyncFunctionDef


def lines(node: ast.AST) -> int:
    """Return the number of lines of a node, without its docstring."""
    taken = node.end_lineno - node.lineno + 1
    if isinstance(node, Function) and ast.get_docstring(node) is not None:
        taken -= lines(node.body[0])
    return taken


def lengths() -> dict[str, int]:
    """Return the length of every function, by file and name."""
    return {
        f"{file.relative_to(PLUGINS)}:{node.lineno} {node.name}": lines(node)
        for file in FILES
        for node in ast.walk(ast.parse(file.read_bytes()))
        if isinstance(node, Function)
    }


def is_table(node: ast.stmt) -> bool:
    """Return whether a statement is data: an assignment, a docstring, or a class of these alone."""
    if isinstance(node, ast.ClassDef):
        return all(map(is_table, node.body))
    value = getattr(node, "value", None)
    if not isinstance(node, (ast.Assign, ast.AnnAssign, ast.Expr)) or value is None:
        return False
    return not any(isinstance(part, (ast.Lambda, ast.comprehension)) for part in ast.walk(value))


def code_lines(file: Path) -> int:
    """Return the number of lines of a file, without its tables."""
    text = file.read_text()
    return len(text.splitlines()) - sum(lines(node) for node in ast.parse(text).body if is_table(node))


def names(*nodes: ast.AST) -> set[str]:
    """Return all plain names in some code."""
    return {node.id for top in nodes for node in ast.walk(top) if isinstance(node, ast.Name)}


def is_broad(handler: ast.ExceptHandler) -> bool:
    """Return whether a handler swallows everything.

    ``BaseException`` may be caught to clean up and raise again, or to hand the error to another thread.
    """
    caught = names(handler.type) if handler.type else {"BaseException"}
    raised = isinstance(handler.body[-1], ast.Raise)
    handed_on = handler.name in names(*handler.body)
    return "Exception" in caught or ("BaseException" in caught and not raised and not handed_on)


def broad(file: Path) -> list[ast.ExceptHandler]:
    """Return the handlers of a file that catch everything, whatever they do then."""
    tree = ast.parse(file.read_bytes())
    handlers = [node for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler)]
    return [node for node in handlers if not node.type or names(node.type) & {"Exception", "BaseException"}]


def comments(file: Path) -> dict[int, str]:
    """Return the comments of a file by line, without those that only silence a linter."""
    tokens = tokenize.generate_tokens(io.StringIO(file.read_text()).readline)
    found = {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}
    texts = {line: re.sub(r"#\s*noqa(: [A-Z0-9, ]+)?", "", text) for line, text in found.items()}
    return {line: text for line, text in texts.items() if text.strip("# ()")}


def undescribed(body: list[ast.stmt], where: str) -> Iterator[str]:
    """Yield the public classes, functions and methods without a docstring."""
    for node in body:
        if not isinstance(node, (ast.ClassDef, *Function)) or node.name.startswith("_"):
            continue
        if ast.get_docstring(node) is None:
            yield f"{where}:{node.lineno} {node.name}"
        if isinstance(node, ast.ClassDef):
            yield from undescribed(node.body, where)


def test_no_function_is_long():
    """No function is longer than a screen."""
    assert {name: length for name, length in lengths().items() if length > LONGEST} == {}


def test_most_functions_are_short():
    """Half of all functions are as short as a paragraph, and nine of ten fit on half a screen."""
    found = sorted(lengths().values())
    assert statistics.median(found) <= MEDIAN
    assert found[len(found) * 9 // 10] <= NINE_OF_TEN


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PLUGINS)))
def test_a_file_is_short(file):
    """A file has one concern, so it is short, apart from data tables."""
    assert code_lines(file) <= FILE


def test_the_engine_never_swallows_errors():
    """No handler in the engine catches everything and continues."""
    found = [
        f"{file.relative_to(PLUGINS)}:{node.lineno}"
        for file in ENGINE
        for node in ast.walk(ast.parse(file.read_bytes()))
        if isinstance(node, ast.ExceptHandler) and is_broad(node)
    ]
    assert found == []


def test_a_handler_of_everything_says_why():
    """Each handler in the engine that catches everything has a comment with the reason."""
    bare = [
        f"{file.relative_to(PLUGINS)}:{handler.lineno}"
        for file in ENGINE
        for handler in broad(file)
        if not comments(file).keys() & range(handler.lineno, handler.body[0].lineno)
    ]
    assert bare == []


@pytest.mark.parametrize("part", ["_engine", "_module", "_entry", "plugin_utils"])
def test_what_is_public_is_described(part):
    """Each module, public class, function and method has a docstring."""
    found = []
    for file in (file for file in FILES if part in file.parts and file.stat().st_size):
        tree, where = ast.parse(file.read_bytes()), str(file.relative_to(PLUGINS))
        found += [where] * (ast.get_docstring(tree) is None) + [*undescribed(tree.body, where)]
    assert found == []


def test_every_file_names_its_licence():
    """The first lines of each file that is not empty name its licence."""
    unnamed = [file for file in FILES if (text := file.read_text()) and SPDX not in text.splitlines()[:6]]
    assert [str(file.relative_to(PLUGINS)) for file in unnamed] == []


@pytest.mark.parametrize(
    ("text", "broad"),
    [
        ("except Exception:\n  pass", True),
        ("except (OSError, BaseException):\n  x = 1", True),
        ("except:\n  pass", True),
        ("except OSError:\n  pass", False),
        ("except BaseException:\n  pass", True),
        ("except BaseException:\n  undo()\n  raise", False),
        ("except BaseException as error:\n  queue.put(error)", False),
        ("except Exception as error:\n  queue.put(error)", True),
    ],
)
def test_a_handler_that_swallows_is_told_from_one_that_hands_on(text, broad):
    """Catching everything is broad, unless the error is raised again or passed on."""
    handler = ast.parse(f"try:\n  pass\n{text}").body[0].handlers[0]
    assert is_broad(handler) is broad


def test_a_reason_is_told_from_what_silences_a_linter(tmp_path):
    """A comment that only silences a linter is not a reason."""
    file = tmp_path / "planted.py"
    file.write_text(
        "a = 1  # noqa: BLE001, S110\nb = 1  # noqa: BLE001  (raised elsewhere)\nc = 1  # an interrupt\n"
    )
    assert comments(file).keys() == {2, 3}


def test_what_is_not_described_is_found():
    """A public method without a docstring is found; underscored names are private, with their content."""
    text = 'class A:\n  """A."""\n  def f(self): ...\n  def _g(self): ...\nclass _B:\n  def h(self): ...\n'
    assert [*undescribed(ast.parse(text).body, "x")] == ["x:3 f"]
