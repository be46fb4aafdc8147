# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``volume_export``: its options and its implementation."""

from __future__ import annotations

from ..._engine.lifecycle.files.volume_export import export_volume
from ..podman_options import PROGRAM
from ..runner import run
from ..tasks.volume_export import (
    ARGUMENTS,
    to_volume_export,
)


def main() -> None:
    """Run the module."""
    run(
        ARGUMENTS,
        to_volume_export,
        export_volume,
        otherwise="exported volume {name} to {dest}",
        result={"dest": "{dest}"},
        files=True,
        foreign=PROGRAM,
    )
