# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``container_file``: its options and its implementation."""

from __future__ import annotations

from ..._engine.lifecycle.files.file import converge_file
from ..runner import run
from ..tasks.container_file import ARGUMENTS, to_file


def main() -> None:
    """Run the module."""
    run(
        ARGUMENTS,
        to_file,
        converge_file,
        otherwise="brought {container}:{path} to {state}",
        result={"changes": [], "change_count": 0, "diff": []},
    )
