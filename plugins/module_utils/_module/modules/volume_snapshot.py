# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``volume_snapshot``: its options and its implementation."""

from __future__ import annotations

from ..._engine.lifecycle.volume.snapshot import (
    converge_snapshot,
)
from ..runner import run
from ..tasks.volume_snapshot import (
    ARGUMENTS,
    to_volume_snapshot,
)


def main() -> None:
    """Run the module."""
    run(
        ARGUMENTS,
        to_volume_snapshot,
        converge_snapshot,
        otherwise="brought the snapshots of volume {name} to {state}",
    )
