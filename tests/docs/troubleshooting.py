# SPDX-License-Identifier: GPL-3.0-or-later
"""Write docs/troubleshooting.md: troubleshooting.py DIRECTORY. Each error code must have an entry in troubleshooting.yml."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

_HERE = Path(__file__).parent
_PLUGINS = _HERE.parents[1] / "plugins"
#: The base class's, which nothing returns.
_ABSTRACT = "engine_error"
#: Codes that are returned before the engine is there, so that no class has them.
_WITHOUT_CLASS = ("engine_missing", "python_too_old")


def codes() -> set[str]:
    """Return the codes of all error classes below plugins, and those that no class has."""
    found = {code for file in sorted(_PLUGINS.rglob("*.py")) for code in _codes(file)}
    return (found - {_ABSTRACT}) | {*_WITHOUT_CLASS}


def _codes(file: Path) -> Iterator[str]:
    text = file.read_text()
    if '    code = "' not in text:
        return
    for node in ast.walk(ast.parse(text)):
        for part in node.body if isinstance(node, ast.ClassDef) else ():
            if isinstance(part, ast.Assign) and [ast.unparse(name) for name in part.targets] == ["code"]:
                yield ast.literal_eval(part.value)


def page() -> str:
    """Return the page; raises SystemExit when a code has no entry, or an entry no code."""
    groups = yaml.safe_load((_HERE / "troubleshooting.yml").read_text())
    entries = {code for group in groups.values() for code in group}
    if odd := codes() ^ entries:
        sys.exit(
            f"error codes without an entry in troubleshooting.yml, or entries without a code: {sorted(odd)}"
        )
    parts = [(_HERE / "troubleshooting.md").read_text()]
    for title, group in groups.items():
        parts.append(f"\n## {title}\n")
        parts += [
            f"\n### `{code}`\n\n{entry['means']}\n\n*What to do:* {entry['do']}\n"
            for code, entry in group.items()
        ]
    return "".join(parts)


if __name__ == "__main__":
    Path(sys.argv[1], "troubleshooting.md").write_text(page())
