# SPDX-License-Identifier: GPL-3.0-or-later
"""What travels with a module is small, and is all there: AnsiballZ packs only what import statements name."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from sourcetree import PLUGINS, imports, sources, target

MODULES = sorted(PLUGINS.glob("modules/*.py"))
KIB = 1024
CACHES = {"__pycache__", ".mypy_cache", ".ruff_cache"}
#: 17,000 lines of engine cost every task 0.2 s, so what only looks must not bring what acts. These are ceilings over what
#: is there, not the plan's 60 and 250: the shapes of results, the option table and the database make 170 KiB alone, and
#: ``container`` carries the agent, and with it every verb that a person has on the host (restart to export, checkpoints with
#: their archives; every kind of mount, three storage drivers, volumes of all file systems).
#: What looks carries the refresh of the records too, so as to foresee it after a reboot, both the text below each row of the
#: option table, some 25 KiB (10 as sent) that Python does not compile, and, until modules are thin, what the resources whose
#: part it shows would acquire (200 KiB that it never imports).
#: What a task really costs is what it imports; ``make bench`` has that figure.
INFO_BUDGET, BUDGET = 870 * KIB, 1820 * KIB


def shipped(module: Path) -> set[Path]:
    """Return the files that AnsiballZ packs with a module, itself included, by its import statements."""
    files, waiting = set(), [module]
    while waiting:
        file = waiting.pop()
        if file in files:
            continue
        files.add(file)
        reached = (target(PLUGINS, found.name) for found in imports(PLUGINS, file) if found.inside)
        waiting += [found for found in reached if found]
    return files


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
def test_a_module_ships_little(module):
    """A module and all that it imports stay within their budget of source."""
    files = shipped(module)
    size = sum(file.stat().st_size for file in files)
    budget = INFO_BUDGET if module.stem.endswith("_info") else BUDGET
    largest = sorted(files, key=lambda file: -file.stat().st_size)[:8]
    table = "\n".join(f"{file.stat().st_size:7} {file.relative_to(PLUGINS)}" for file in largest)
    assert size <= budget, (
        f"{module.stem} ships {size // KIB} KiB, and may {budget // KIB}; the largest:\n{table}"
    )


def test_package_files_are_empty():
    """No __init__.py of module_utils holds anything, since its imports would travel with every module."""
    assert [file for file in PLUGINS.glob("module_utils/**/__init__.py") if file.stat().st_size] == []


def test_only_python_lies_in_module_utils():
    """No data file lies in module_utils: it would stay at home."""
    files = [file for file in PLUGINS.glob("module_utils/**/*") if file.is_file()]
    assert [file for file in files if file.suffix != ".py" and not CACHES & set(file.parts)] == []


def test_nothing_is_imported_by_name():
    """No plugin imports by a computed name, which AnsiballZ can't follow."""
    named = [
        f"{file.relative_to(PLUGINS)}:{node.lineno}"
        for file in sources(PLUGINS)
        for node in ast.walk(ast.parse(file.read_bytes()))
        if (isinstance(node, ast.Attribute) and node.attr == "import_module")
        or (isinstance(node, ast.Name) and node.id in {"import_module", "__import__"})
    ]
    assert named == []
