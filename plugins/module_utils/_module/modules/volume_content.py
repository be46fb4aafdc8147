# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``volume_content``: its options and its implementation."""

from __future__ import annotations

from ..._engine.lifecycle.files.volume_content import converge_content
from ..runner import run
from ..tasks.volume_content import ARGUMENTS, to_volume_content


def main() -> None:
    """Run the module."""
    run(
        ARGUMENTS,
        to_volume_content,
        converge_content,
        otherwise="changed the content of volume {name}",
        result={"changes": [], "change_count": 0, "diff": []},
    )
