# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules are small: AnsiballZ packs what they import, but not the engine, which is sent once, separately."""

from __future__ import annotations

import ast
import base64
import re
import zlib
from pathlib import Path

import pytest
import yaml

from sourcetree import PLUGINS, imports, sources, target

MODULES = sorted(PLUGINS.glob("modules/*.py"))
ENTRY = {*PLUGINS.glob("module_utils/_entry/*.py")}
#: The most bytes that a task may send in addition to ``ansible.builtin.ping``'s 168,693: a module is packed
#: and encoded in base64.
BUDGET = 25_000
#: What the engine's part of a task imports of Ansible; the rest besides ``basic`` is imported by it.
ANSIBLE = "ansible.module_utils."


def shipped(module: Path) -> set[Path]:
    """Return the files that AnsiballZ packs with a module, including itself, by its import statements."""
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
def test_a_module_is_thin(module):
    """A module contains its documentation and the code that finds the engine, and no more."""
    files = shipped(module)
    assert files - {module} <= ENTRY
    size = sum(len(base64.b64encode(zlib.compress(file.read_bytes()))) for file in files)
    assert size <= BUDGET, f"{module.stem} sends {size} bytes more than ping, and may {BUDGET}"


def test_ansible_travels_as_far_as_the_engine_needs_it():
    """Whatever the engine's part of a task imports of Ansible is packed with each module."""

    def of_ansible(folder: str) -> set[str]:
        files = PLUGINS.glob(f"module_utils/{folder}/**/*.py")
        names = (found.name for file in files for found in imports(PLUGINS, file))
        return {".".join(name.split(".")[:3]) for name in names if name.startswith(ANSIBLE)}

    assert of_ansible("_module") <= of_ansible("_entry")


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
def test_the_engine_is_brought_for_every_module(module):
    """Each module has an action plugin that delivers the engine, and runs the module of its name."""
    routing = yaml.safe_load(PLUGINS.parent.joinpath("meta/runtime.yml").read_text())["plugin_routing"]
    own = PLUGINS / f"action/{module.name}"
    assert own.exists() != (routing["modules"].get(module.stem) == {"action_plugin": "slipway.oci.container"})
    assert not own.exists() or re.search("(File|Delivering|Image)Action", own.read_text())
    looks = "look(" in PLUGINS.joinpath(f"module_utils/_module/modules/{module.name}").read_text()
    assert f'run_task("{module.stem}"{", looks=True" if looks else ""})' in module.read_text()


def test_package_files_are_empty():
    """Each __init__.py of module_utils is empty, because its imports would be packed with every module."""
    assert [file for file in PLUGINS.glob("module_utils/**/__init__.py") if file.stat().st_size] == []


def test_nothing_is_imported_by_name():
    """No plugin imports by a computed name, except the one that keeps the engine out of the modules."""
    named = {
        str(file.relative_to(PLUGINS))
        for file in sources(PLUGINS)
        for node in ast.walk(ast.parse(file.read_bytes()))
        if (isinstance(node, ast.Attribute) and node.attr == "import_module")
        or (isinstance(node, ast.Name) and node.id in {"import_module", "__import__"})
    }
    assert named == {"module_utils/_entry/task.py"}
