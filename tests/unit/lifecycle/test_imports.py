# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules that only an action needs are imported on demand: every task and every exit would pay for them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from sourcetree import PLUGINS

#: Modules that mount, run or clean up.
ACTS = (
    "kernel.mounts",
    "rootfs.overlay",
    "runtime.conmon",
    "runtime.oci",
    "systemd.scope",
    "lifecycle.container.start",
    "lifecycle.guard.cleanup",
    "lifecycle.preflight.container",
    "lifecycle.resources.cgroup",
    "lifecycle.resources.namespaces",
    "lifecycle.resources.prepared_mounts",
    "lifecycle.resources.rootfs",
    "lifecycle.resources.volume_mount",
)
#: By module: which of these it imports nevertheless.
BROUGHT = {
    "lifecycle.converge.container": set(),
    "lifecycle.info.info": set(),
    "lifecycle.resources.held": set(),
    "lifecycle.container.exited": {"lifecycle.guard.cleanup"},
}
#: Modules whose import takes longer than recognition, and that can be replaced or imported later.
COSTLY = {"ast", "dataclasses", "hashlib", "inspect", "socket", "tempfile"}
#: What conmon's call needs to see that nothing is left to do.
SETTLED_WITH = (
    "errors agent.main agent.settled kernel.files kernel.procstat model.container.status model.engine.layout"
    " model.engine.places state.settled state.uri"
).split()
#: All that the recognition of an unchanged task imports from the engine.
LOOKED_WITH = {
    "kernel.boot",
    "kernel.procstat",
    "lifecycle.recognition.look",
    "lifecycle.recognition.memory",
    "model.container.status",
    "state.stored_rows",
    "state.uri",
}


def imported(*modules: str) -> set[str]:
    """Return the modules that importing these loads; the engine's by their name below it."""
    lines = [f"import sys; sys.path.insert(0, {str(PLUGINS / 'module_utils')!r})"]
    lines += [f"import _engine.{module}" for module in modules]
    lines += [
        "print(*(name for name, it in sys.modules.items() if not name.startswith('_engine') or not hasattr(it, '__path__')))"
    ]
    words = [sys.executable, "-IS", "-c", "\n".join(lines)]
    found = subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()
    return {name.removeprefix("_engine.") for name in found}


def of_the_engine(found: set[str]) -> set[str]:
    """Return those that belong to the engine."""
    return {
        name for name in found if (PLUGINS / "module_utils/_engine" / f"{name.replace('.', '/')}.py").exists()
    }


@pytest.mark.parametrize("module", BROUGHT)
def test_a_look_imports_nothing_that_acts(module):
    """An unchanged task, a query and conmon's call import what acquires resources only if they need it."""
    found = imported(module)
    assert not COSTLY & found
    assert {*ACTS} & found == BROUGHT[module]


def test_recognition_imports_next_to_nothing():
    """Recognition of an unchanged task loads a few files, without dataclasses and without errors."""
    assert of_the_engine(imported("lifecycle.recognition.memory")) == LOOKED_WITH


def test_an_end_that_was_seen_to_imports_nothing():
    """Conmon's call after a stop costs Python and SQLite only, without the engine and its records."""
    found = imported("agent.main", "agent.settled")
    assert of_the_engine(found) == {*SETTLED_WITH}
    assert not {"dataclasses", "inspect", "typing", "re", "json", "enum"} & found
