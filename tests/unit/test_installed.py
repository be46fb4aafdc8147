# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's modules come from the agent on the host where they are the same, from the module's zip where not."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from sourcetree import PLUGINS

MODULES = sorted(PLUGINS.glob("modules/*.py"))
PACKAGE = "ansible_collections/slipway/oci/plugins"
#: Runs as a module does out of its zip, and tells where a part of the engine came from.
TELL = f"""
import sys, importlib
sys.path.insert(0, sys.argv[1])
from ansible.module_utils import basic
basic._load_params = lambda: {{"root": sys.argv[2]}}
package = {PACKAGE.replace("/", ".")!r} + ".module_utils"
importlib.import_module(package + "._module.installed").use_installed()
print(importlib.import_module(package + "._engine.model.engine.layout").__file__)
print(importlib.import_module(package + "._engine.plan.restart").__file__)
"""


@pytest.fixture
def archive(tmp_path):
    """Pack the collection's module_utils as AnsiballZ does."""
    path = tmp_path / "payload.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for directory in (*Path(PACKAGE).parents, Path(PACKAGE), Path(PACKAGE) / "module_utils"):
            if directory.name:
                packed.writestr(f"{directory}/__init__.py", "")
        for file in PLUGINS.glob("module_utils/**/*.py"):
            packed.write(file, f"{PACKAGE}/{file.relative_to(PLUGINS)}")
    return path


@pytest.fixture
def root(tmp_path):
    """Leave the agent at a root."""
    from _engine.agent.install import install
    from _engine.model.engine.layout import Layout

    install(Layout(str(tmp_path / "root"), str(tmp_path / "run")))
    return tmp_path / "root"


def origins(archive, root) -> list[str]:
    """Return where two modules of the engine come from: ``zip`` or ``agent``."""
    command = [sys.executable, "-c", TELL, archive, root]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert len(told) == 2
    return ["agent" if f"{os.path.realpath(root)}/agent/" in path else "zip" for path in told]


def test_the_same_engine_comes_from_the_agent(archive, root):
    """What is the same there as in the zip is taken from there."""
    assert origins(archive, root) == ["agent", "agent"]


def test_without_an_agent_all_comes_from_the_zip(archive, tmp_path):
    """A host that has no agent yet takes what travelled."""
    assert origins(archive, tmp_path / "nothing") == ["zip", "zip"]


def test_another_version_of_a_module_is_not_taken(archive, root):
    """Each module is compared for itself: one that differs comes from the zip."""
    listed = next(root.glob("agent/*/sums"))
    lines = listed.read_text().splitlines()
    changed = [f"{line}1" if line.startswith("model.engine.layout ") else line for line in lines]
    listed.write_text("\n".join(changed))
    assert origins(archive, root) == ["zip", "agent"]


@pytest.mark.parametrize("where", ["agent/current/", "agent", "."])
def test_what_others_can_write_to_is_not_run(archive, root, where):
    """An agent that anybody else could have placed is left alone."""
    os.chmod(root / where, 0o722)
    assert origins(archive, root) == (["zip", "zip"])


def test_an_agent_that_goes_meanwhile_is_no_harm(archive, root):
    """A list without its files, as while a newer agent takes its place, leaves all to the zip."""
    for file in root.glob("agent/*/_engine/model/engine/layout.py"):
        file.unlink()
    assert origins(archive, root) == ["zip", "agent"]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
def test_each_module_looks_there_first(module):
    """Nothing of the collection is imported before it is settled where from."""
    lines = [
        line
        for line in module.read_text().splitlines()
        if "module_utils" in line or line == "use_installed()"
    ]
    assert lines[:2] == ["from ..module_utils._module.installed import use_installed", "use_installed()"]
