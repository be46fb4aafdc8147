# SPDX-License-Identifier: GPL-3.0-or-later
"""What only an act needs is imported by that act: every task, and every end of a container, would pay for it else."""

from __future__ import annotations

import subprocess
import sys

import pytest

from sourcetree import PLUGINS

#: What mounts, runs or clears away.
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
#: By module: what it brings of these all the same.
BROUGHT = {
    "lifecycle.converge.container": set(),
    "lifecycle.info.info": set(),
    "lifecycle.resources.held": set(),
    "lifecycle.container.exited": {"lifecycle.guard.cleanup"},
}
#: What takes longer to import than a look takes, and has a cheaper way or a later moment.
COSTLY = {"ast", "dataclasses", "hashlib", "inspect", "socket", "tempfile"}
#: What conmon's call needs to see that nothing is left to do.
LIGHT = {
    f"_engine.{name}"
    for name in (
        "errors agent agent.main agent.settled kernel kernel.files kernel.procstat model model.container"
        " model.container.status model.engine model.engine.layout model.engine.places state state.settled state.uri"
    ).split()
}


def _imported(code: str) -> set[str]:
    """Return the modules that a fresh Python says to have after the code."""
    path = f"import sys; sys.path.insert(0, {str(PLUGINS / 'module_utils')!r})"
    command = [sys.executable, "-IS", "-c", f"{path}; {code}"]
    return {*subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()}


@pytest.mark.parametrize("module", BROUGHT)
def test_a_look_imports_nothing_that_acts(module):
    """An unchanged task, a question and the call at a container's end import what acquires resources only if they do so."""
    found = _imported(f"import sys; import _engine.{module}; print(*sys.modules)")
    assert not COSTLY & found
    assert {name for name in ACTS if f"_engine.{name}" in found} == BROUGHT[module]


def test_an_end_that_was_seen_to_imports_nothing():
    """Conmon's call after a stop costs what Python and SQLite cost, and neither the engine nor what makes its records."""
    code = "import sys; import _engine.agent.main, _engine.agent.settled; print(*sys.modules)"
    found = _imported(code)
    assert {name for name in found if name.startswith("_engine.")} <= LIGHT
    assert not {"dataclasses", "inspect", "typing", "re", "json", "enum"} & found
