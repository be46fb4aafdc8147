# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``container_export``: its options and its implementation."""

from __future__ import annotations

from ..._engine.lifecycle.files.export import export
from ..podman_options import PROGRAM
from ..runner import run
from ..tasks.container_export import ARGUMENTS, to_export


def main() -> None:
    """Run the module."""
    run(
        ARGUMENTS,
        to_export,
        export,
        otherwise="exported {container} to {dest}",
        result={"dest": "{dest}"},
        files=True,
        foreign=(*PROGRAM, "volume"),
    )
