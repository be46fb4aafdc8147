# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the source of the collection: which file imports what, by dotted names below ``plugins``."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

PLUGINS = Path(__file__).parents[2] / "plugins"
COLLECTION = "ansible_collections.slipway.oci.plugins."


@dataclass(frozen=True)
class Import:
    """One name that a file imports: ``module_utils._engine.errors.InUse``, or ``os.path`` from outside."""

    line: int
    name: str
    inside: bool


def sources(plugins: Path) -> list[Path]:
    """Return all Python files below plugins, sorted."""
    return sorted(plugins.rglob("*.py"))


def dotted(plugins: Path, file: Path) -> str:
    """Return a file's name as a module below plugins; a package's is that of its directory."""
    parts = file.relative_to(plugins).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(plugins: Path, file: Path) -> list[Import]:
    """Return every import of a file, also inside functions and TYPE_CHECKING, as AnsiballZ sees them."""
    found = []
    for node in ast.walk(ast.parse(file.read_bytes(), str(file))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = _base(plugins, file, node)
            names = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        found += [
            Import(node.lineno, name.removeprefix(COLLECTION), name.startswith(COLLECTION)) for name in names
        ]
    return found


def _base(plugins: Path, file: Path, node: ast.ImportFrom) -> str:
    if not node.level:
        return str(node.module)
    package = file.relative_to(plugins).parts[: -node.level]
    return COLLECTION + ".".join([*package, *([node.module] if node.module else [])])


def target(plugins: Path, name: str) -> Path | None:
    """Return the file that an imported name leads to: a module, else what holds the name."""
    while name:
        path = plugins.joinpath(*name.split("."))
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if file.is_file():
                return file
        name = name.rpartition(".")[0]
    return None
