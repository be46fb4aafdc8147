# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``image_cache``: its options and its implementation."""

from __future__ import annotations

from ..._engine.lifecycle.build.cached import use_stage
from ..options import ArgumentSpec
from ..runner import run
from ..tasks.image.commit import to_stage

ARGUMENTS: ArgumentSpec = {
    "parent": {"type": "str", "required": True},
    "key": {"type": "raw", "required": True, "no_log": False},
    "image": {"type": "str", "aliases": ["name"]},
}


def main() -> None:
    """Run the module."""
    run(
        ARGUMENTS,
        to_stage,
        use_stage,
        otherwise="named the stage on {parent}",
        result={"hit": False, "image": {}},
    )
