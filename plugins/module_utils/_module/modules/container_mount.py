# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``container_mount``: its options and its implementation."""

from __future__ import annotations

from ..._engine.lifecycle.files.mount import converge_mount
from ..podman_options import PROGRAM
from ..runner import run
from ..tasks.container_mount import ARGUMENTS, to_mount


def main() -> None:
    """Run the module."""
    run(
        ARGUMENTS,
        to_mount,
        converge_mount,
        otherwise="{state} {container}",
        result={"mountpoint": ""},
        foreign=PROGRAM,
    )
