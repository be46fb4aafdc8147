# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``image_tag``: its options and its implementation."""

from __future__ import annotations

from ..._engine.lifecycle.core.engine import Engine
from ..._engine.lifecycle.core.outcome import Outcome
from ..._engine.lifecycle.image.tag import tag
from ..options import ArgumentSpec
from ..podman_options import PROGRAM
from ..runner import run
from ..tasks.image.local import TagRequest, to_tag

ARGUMENTS: ArgumentSpec = {
    "image": {"type": "str", "required": True},
    "target_names": {"type": "list", "elements": "str", "required": True},
}


def act(engine: Engine, request: TagRequest) -> Outcome:
    """Add the names to the image."""
    return tag(engine, request.image, request.names)


def main() -> None:
    """Run the module."""
    run(
        ARGUMENTS,
        to_tag,
        act,
        otherwise="tagged image {image}",
        result={"image": {}},
        foreign=PROGRAM,
    )
