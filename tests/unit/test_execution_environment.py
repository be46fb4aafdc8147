# SPDX-License-Identifier: GPL-3.0-or-later
"""The packages that plugins import on the controller are the requirements of execution environments."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement

#: The code that runs on hosts; everything else below plugins/ runs on the controller.
ON_HOSTS = {"modules", "module_utils"}
#: Ansible itself, and the packages that it requires.
ANSIBLE = {"ansible", "ansible_collections", "jinja2", "yaml"}


def imported(source: Path) -> Iterator[str]:
    """Return the names of the packages that a file imports, except by relative imports."""
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def test_python_requirements(tree):
    """meta/ee-requirements.txt lists each package that the controller's plugins import besides Ansible."""
    lines = (tree / "meta/ee-requirements.txt").read_text().splitlines()
    told = {Requirement(line).name for line in lines if line and not line.startswith("#")}
    sources = [
        path for path in tree.glob("plugins/**/*.py") if path.relative_to(tree).parts[1] not in ON_HOSTS
    ]
    used = {name for path in sources for name in imported(path)}
    assert used - ANSIBLE - sys.stdlib_module_names == told
