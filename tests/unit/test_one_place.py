# SPDX-License-Identifier: GPL-3.0-or-later
"""One fact, one place: decisions on namespaces and on rows of the option table are not repeated."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from _engine.model.container.options import OPTIONS, REFUSED
from sourcetree import PLUGINS, sources

ENGINE = PLUGINS / "module_utils/_engine"
NAMESPACES = "model/container/namespaces.py"
#: The options that have a property of the table, by property.
LISTED = {
    "takes effect in the cgroup": {option.name for option in OPTIONS if option.cgroup},
    "is not built": {*REFUSED},
}
#: A literal with at least this many of a property's names repeats the list, and will lack the next row.
A_LIST = 3
#: Generated from the table by `make generated`, and checked by tests/unit/module/test_generated.py.
GENERATED = PLUGINS / "module_utils/_module/container_arguments.py"


def of_host(node: ast.AST) -> bool:
    """Return whether some code compares a ``network`` or ``uts`` with the constant for the host's."""
    if not isinstance(node, ast.Compare):
        return False
    parts = [part for side in (node.left, *node.comparators) for part in ast.walk(side)]
    asks = any(isinstance(part, ast.Attribute) and part.attr in {"network", "uts"} for part in parts)
    host = any("HOST" in (getattr(part, "id", ""), getattr(part, "attr", "")) for part in parts)
    return asks and (host or any(isinstance(part, ast.Constant) and part.value == "host" for part in parts))


def words(node: ast.AST) -> set[str]:
    """Return the texts of a literal, that is items, keys of a mapping, or words of a string."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and "\n" not in node.value:
        return {*node.value.split()}
    items = getattr(node, "keys", None) if isinstance(node, ast.Dict) else getattr(node, "elts", None)
    return {
        item.value for item in items or () if isinstance(item, ast.Constant) and isinstance(item.value, str)
    }


def lists(file: Path) -> Iterator[str]:
    """Yield each literal of a file that repeats what the table defines."""
    for node in ast.walk(ast.parse(file.read_bytes())):
        for what, names in LISTED.items():
            if len(found := words(node) & names) >= A_LIST:
                yield f"{file.name}:{node.lineno}: {what}: {', '.join(sorted(found))}"


def test_who_is_in_a_namespace_of_the_host_is_decided_once():
    """Only functions of the model decide whether a container has the host's network or host name."""
    deciding = {
        str(file.relative_to(ENGINE))
        for file in sources(ENGINE)
        if any(map(of_host, ast.walk(ast.parse(file.read_bytes()))))
    }
    assert deciding == {NAMESPACES}


def test_what_the_table_knows_is_listed_nowhere_else():
    """Only the options' rows say which need a cgroup, and which are not implemented."""
    files = [file for file in sources(PLUGINS / "module_utils") if file != GENERATED]
    assert [line for file in files for line in lists(file)] == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("x = ('memory', 'cpus', 'pids_limit')", 1),
        ("x = 'memory cpus pids_limit'.split()", 1),
        ("x = {'memory': 1, 'cpus': 2, 'pids_limit': 3}", 1),
        ("x = ('memory', 'cpus', 'name')", 0),
        ("x = spec.memory, spec.cpus, spec.pids_limit", 0),
    ],
)
def test_a_second_list_is_found(tmp_path, text, found):
    """A list of options is found in any form; two options are not a list."""
    file = tmp_path / "planted.py"
    file.write_text(text)
    assert len([*lists(file)]) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("spec.network == ('host',)", True),
        ("HOST in record.spec.network", True),
        ("spec.uts == other.uts", False),
    ],
)
def test_a_second_decision_is_found(text, found):
    """A comparison with the host's is found; a comparison of two containers is not one."""
    assert of_host(ast.parse(text).body[0].value) is found
