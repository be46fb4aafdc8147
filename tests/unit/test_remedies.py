# SPDX-License-Identifier: GPL-3.0-or-later
"""Remedies that name an option use a Setting, which the command line can translate."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from sourcetree import PLUGINS, sources

ENGINE = [file for file in sources(PLUGINS) if "_engine" in file.parts]
#: ``force: true`` and ``write network: host``, in words.
OPTION = re.compile(r"\b[a-z]+(_[a-z]+)*: (true|false)\b|[Ww]rite [a-z]+(_[a-z]+)*: ")


def texts(node: ast.AST) -> Iterator[str]:
    """Yield all constant strings in some code."""
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


def remedies(file: Path) -> Iterator[tuple[int, str]]:
    """Yield line and text of each remedy in a file."""
    for node in ast.walk(ast.parse(file.read_bytes())):
        for keyword in node.keywords if isinstance(node, ast.Call) else ():
            if keyword.arg == "remedy":
                yield from ((node.lineno, text) for text in texts(keyword.value))


def test_options_in_remedies_are_settings():
    """No remedy of the engine contains a task's option as plain text."""
    found = [
        f"{file.relative_to(PLUGINS)}:{line}: {text}"
        for file in ENGINE
        for line, text in remedies(file)
        if OPTION.search(text)
    ]
    assert found == []
