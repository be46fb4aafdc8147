# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports go strictly downwards: the tables of docs/architecture.md, checked for every import."""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from sourcetree import PLUGINS, dotted, imports, sources, target

#: Each does one thing to the host, independently of the others.
MECHANISMS = {"state", "images", "rootfs", "volumes", "network", "runtime", "systemd"}
ENGINE = "module_utils._engine"
#: The most files of a folder, including its __init__.py.
MOST_FILES = 25
#: What every row may import: it imports nothing itself, or only what is in it.
GROUND = {"errors", "frozen", "progress"}
BELOW_VERBS = {*GROUND, "version", "model", "kernel", "plan", "trees"} | MECHANISMS

#: The rows that each row may import, besides itself and the standard library.
MAY_IMPORT = {
    **{row: set() for row in GROUND},
    "progress": {"frozen"},
    "version": set(),
    "archive": {"version"},
    "model": GROUND,
    "kernel": GROUND,
    "plan": {"model", *GROUND},
    "trees": {"model", "kernel", *GROUND},
    **{row: {"model", "kernel", "trees", *GROUND} for row in MECHANISMS},
    # Only the client of registries, as a test below ensures.
    "images": {"model", "kernel", "trees", "requests", "urllib3", *GROUND},
    "lifecycle": BELOW_VERBS,
    "agent": BELOW_VERBS | {"lifecycle", "archive"},
    "_module": BELOW_VERBS | {"lifecycle", "agent", "ansible.module_utils"},
    "_entry": {"ansible.module_utils"},
    "modules": {"_entry"},
    "plugin_utils": {"model", *GROUND, "archive", "images", "_entry", "ansible", "jmespath"},
    **{row: {"plugin_utils", "ansible"} for row in ("connection", "inventory", "action", "filter", "test")},
    "doc_fragments": set(),
}

#: The other folders that a folder of the engine's package may import; "" stands for the package's own files.
STREETS = {
    "agent": {
        "": {"cli", "connect", "verbs"},
        "cli": set(),
        "connect": set(),
        "image": {"cli"},
        "store": {"cli"},
        "verbs": {"cli", "image", "store"},
    },
    "images": {
        "": {"archive", "tar"},
        "archive": {"tar"},
        "layers": {"tar"},
        "registry": {"", "archive", "tar"},
        "tar": set(),
        "save": {"", "archive", "layers", "tar"},
    },
    "kernel": {"": set(), "cgroup": {""}, "net": {""}},
    "model": {
        "values": set(),
        "connect": {"values"},
        "image": {"values"},
        "mounts": {"values"},
        "volume": {"values"},
        "network": {"values"},
        "container": {"values", "image", "mounts", "network"},
        "engine": {"values", "mounts", "network", "volume", "container"},
    },
    "runtime": {"": {"config"}, "config": set(), "exec": {""}},
    "lifecycle": {
        "": {"host", "image"},  # old paths, for external programs
        "inspect": set(),
        "core": set(),
        "recognition": {"inspect"},
        "wiring": {"core"},
        "resources": {"core", "inspect", "wiring"},
        "guard": {"core", "resources", "wiring"},
        "preflight": {"core", "inspect", "resources"},
        "exec": {"core", "guard", "resources"},
        "image": {"core", "guard", "inspect"},
        "info": {"core", "inspect", "resources"},
        "volume": {"core", "guard", "image", "info", "inspect", "preflight", "resources"},
        "network": {"core", "guard", "inspect", "resources", "wiring"},
        "container": {"core", "guard", "inspect", "network", "preflight", "resources", "volume", "wiring"},
        "checkpoint": {"container", "core", "guard", "info", "preflight", "resources"},
        "files": {"container", "core", "guard", "resources", "volume"},
        "build": {"core", "files", "guard", "image", "inspect"},
        "store": {
            "container",
            "converge",
            "core",
            "guard",
            "image",
            "info",
            "inspect",
            "network",
            "resources",
        },
        "host": {"container", "core", "guard", "resources", "wiring"},
        "connect": {"core", "exec", "guard", "host"},
        "health": {"container", "core", "exec", "guard", "host", "resources", "wiring"},
        "converge": {
            "container",
            "core",
            "guard",
            "image",
            "info",
            "inspect",
            "preflight",
            "resources",
            "volume",
        },
    },
}


def street(name: str) -> tuple[str, str]:
    """Return the package of the engine that a module belongs to, and its folder there, or ""."""
    words = name.split(".")[2:]
    return words[0], words[1] if len(words) > 2 else ""


def part(name: str) -> str:
    """Return the row of the table that a module below plugins belongs to."""
    words = name.split(".")
    if words[:2] == ["module_utils", "_engine"] and len(words) > 2:
        return words[2]
    return words[1] if words[0] == "module_utils" and len(words) > 1 else words[0]


def allowed(name: str, may: set[str]) -> bool:
    """Return whether an external import is of the standard library or of an allowed package."""
    return name.partition(".")[0] in sys.stdlib_module_names or any(
        f"{name}.".startswith(f"{package}.") for package in may
    )


def upward(plugins: Path) -> list[str]:
    """Return each import that the table forbids, as ``file:line: who imports what``."""
    wrong = []
    for file in sources(plugins):
        row = part(dotted(plugins, file))
        for found in imports(plugins, file):
            wanted = part(found.name) if found.inside else found.name
            fine = wanted in MAY_IMPORT[row] | {row} if found.inside else allowed(wanted, MAY_IMPORT[row])
            if not fine:
                wrong.append(f"{file.relative_to(plugins)}:{found.line}: {row} imports {found.name}")
    return wrong


def across(plugins: Path) -> list[str]:
    """Return each forbidden import between folders of a package, as ``file:line: who imports what``."""
    files = [file for file in sources(plugins / ENGINE.replace(".", "/")) if file.name != "__init__.py"]
    modules = {dotted(plugins, file): file for file in files}
    wrong = []
    for name, file in modules.items():
        package, folder = street(name)
        may = STREETS.get(package, {}).get(folder, set()) | {folder}
        for found in imports(plugins, file):
            there = target(plugins, found.name) if found.inside else None
            other = dotted(plugins, there) if there else ""
            if other in modules and street(other)[0] == package and street(other)[1] not in may:
                wrong.append(f"{file.relative_to(plugins)}:{found.line}: {folder or package} imports {other}")
    return wrong


def cycle(plugins: Path) -> list[str]:
    """Return the modules of one import cycle, or an empty list."""
    graph = {}
    for file in sources(plugins):
        reached = {target(plugins, found.name) for found in imports(plugins, file) if found.inside}
        graph[file] = reached - {file, None}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return [dotted(plugins, file) for file in error.args[1]]
    return []


def test_every_import_goes_down():
    """No file of the collection imports anything that the table does not allow."""
    assert upward(PLUGINS) == []


def test_the_folders_of_a_package_are_in_order():
    """No file of the engine imports from a folder of its package that the table does not allow."""
    assert across(PLUGINS) == []


def test_only_the_client_of_registries_imports_requests():
    """Without requests a host can run everything except registry access."""
    users = {
        dotted(PLUGINS, file).rpartition(".")[0]
        for file in sources(PLUGINS / "module_utils")
        for found in imports(PLUGINS, file)
        if not found.inside and found.name.partition(".")[0] in ("requests", "urllib3")
    }
    assert users == {"module_utils._engine.images.registry"}


def test_a_folder_can_be_overlooked():
    """No folder has too many files to remember, except ``_module/modules``, named by module."""
    held = Counter(file.parent for file in sources(PLUGINS / "module_utils") if file.parent.name != "modules")
    assert {str(folder): files for folder, files in held.items() if files > MOST_FILES} == {}


def test_no_module_imports_itself_in_a_circle():
    """The modules of the collection have no import cycle, including imports inside functions."""
    assert cycle(PLUGINS) == []


PLANTED = [
    ("module_utils/_engine/errors.py", "import requests"),
    ("module_utils/_engine/model/planted.py", "from ..kernel import libc"),
    ("module_utils/_engine/plan/planted.py", "def late():\n    from ..state import database\n"),
    ("module_utils/_engine/images/planted.py", "from .. import volumes"),
    (
        "module_utils/_engine/kernel/planted.py",
        "if TYPE_CHECKING:\n    from ..lifecycle.core.engine import Engine\n",
    ),
    ("module_utils/_engine/lifecycle/planted.py", "from ansible.module_utils.basic import AnsibleModule"),
    (
        "modules/planted.py",
        "from ansible_collections.slipway.oci.plugins.module_utils._engine.state import database",
    ),
    (
        "connection/planted.py",
        "from ansible_collections.slipway.oci.plugins.module_utils._engine import errors",
    ),
    ("filter/planted.py", "import jmespath"),
]


@pytest.mark.parametrize(("file", "text"), PLANTED, ids=[plant[0] for plant in PLANTED])
def test_an_upward_import_is_found(tmp_path, file, text):
    """A forbidden import is found in any form and at any place."""
    copy = shutil.copytree(PLUGINS, tmp_path / "plugins")
    (copy / file).parent.mkdir(parents=True, exist_ok=True)
    (copy / file).write_text(text)
    assert [line for line in upward(copy) if line.startswith(f"{file}:")]


def test_an_import_between_folders_is_found(tmp_path):
    """An import from a folder that is not below is found, also inside a function."""
    copy = shutil.copytree(PLUGINS, tmp_path / "plugins")
    planted = copy / "module_utils/_engine/lifecycle/exec/planted.py"
    planted.write_text("def late():\n    from ..container import start\n")
    assert [line.partition(":")[0] for line in across(copy)] == [str(planted.relative_to(copy))]


def test_a_cycle_is_found(tmp_path):
    """Two modules that import each other are found, also inside functions."""
    copy = shutil.copytree(PLUGINS, tmp_path / "plugins")
    model = copy / "module_utils/_engine/model/values"
    model.joinpath("one.py").write_text("from .two import x\n")
    model.joinpath("two.py").write_text("def late():\n    from . import one\n")
    assert {f"{ENGINE}.model.values.one", f"{ENGINE}.model.values.two"} <= set(cycle(copy))
