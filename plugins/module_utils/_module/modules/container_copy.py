# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``container_copy``: its options and its implementation."""

from __future__ import annotations

from ..._engine.lifecycle.files.copy import copy
from ..podman_options import PROGRAM
from ..runner import run
from ..tasks.container_copy import ARGUMENTS, to_copy


def main() -> None:
    """Run the module."""
    run(
        ARGUMENTS,
        to_copy,
        copy,
        otherwise="copied {src} to {dest}",
        result={"changes": [], "change_count": 0, "diff": []},
        foreign=PROGRAM,
    )
