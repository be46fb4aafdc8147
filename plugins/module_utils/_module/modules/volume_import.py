# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``volume_import``: its options and its implementation."""

from __future__ import annotations

from ..._engine.lifecycle.volume.import_archive import import_volume
from ..podman_options import PROGRAM
from ..runner import run
from ..tasks.volume_import import (
    ARGUMENTS,
    to_volume_import,
)


def main() -> None:
    """Run the module."""
    run(
        ARGUMENTS,
        to_volume_import,
        import_volume,
        otherwise="imported {src} into volume {name}",
        foreign=PROGRAM,
    )
