# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``image_import``: its options and its implementation."""

from __future__ import annotations

from ..._engine.lifecycle.core.engine import Engine
from ..._engine.lifecycle.core.outcome import Outcome
from ..._engine.lifecycle.image.import_image import import_image
from ..options import ArgumentSpec
from ..podman_options import PROGRAM
from ..runner import run
from ..tasks.image.local import ImportRequest, to_import

ARGUMENTS: ArgumentSpec = {
    "src": {"type": "path", "required": True},
    "name": {"type": "str", "required": True},
    "changes": {"type": "list", "elements": "raw", "aliases": ["change"]},
    "commit_message": {"type": "str"},
}


def act(engine: Engine, request: ImportRequest) -> Outcome:
    """Create the image, unless it exists."""
    return import_image(engine, request.src, request.name, request.changes, message=request.message)


def main() -> None:
    """Run the module."""
    run(
        ARGUMENTS,
        to_import,
        act,
        otherwise="imported image {name}",
        result={"image": {}, "images": []},
        foreign=(*PROGRAM, "volume"),
    )
