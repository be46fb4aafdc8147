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


@pytest.mark.parametrize("module", BROUGHT)
def test_a_look_imports_nothing_that_acts(module):
    """An unchanged task, a question and the call at a container's end import what acquires resources only if they do so."""
    code = f"import sys; import _engine.{module}; print(*sys.modules)"
    found = subprocess.run(
        [
            sys.executable,
            "-IS",
            "-c",
            f"import sys; sys.path.insert(0, {str(PLUGINS / 'module_utils')!r}); {code}",
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert {name for name in ACTS if f"_engine.{name}" in found} == BROUGHT[module]
