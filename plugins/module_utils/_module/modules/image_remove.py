# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``image_remove``: its options and its implementation."""

from __future__ import annotations

from ..._engine.lifecycle.core.engine import Engine
from ..._engine.lifecycle.core.outcome import Outcome
from ..._engine.lifecycle.image.remove import remove_image
from ..podman_options import IMAGE
from ..runner import run
from ..tasks.image.local import RemoveRequest, to_remove

ARGUMENTS = {"name": {"type": "str", "required": True}, "force": {"type": "bool", "default": False}}


def act(engine: Engine, request: RemoveRequest) -> Outcome:
    """Remove the image, if it exists."""
    return remove_image(engine, request.name, force=request.force)


def main() -> None:
    """Run the module."""
    run(ARGUMENTS, to_remove, act, otherwise="removed image {name}", result={"image": {}}, foreign=IMAGE)
