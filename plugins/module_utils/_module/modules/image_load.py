# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``image_load``: its options and its implementation."""

from __future__ import annotations

from ..._engine.lifecycle.core.engine import Engine
from ..._engine.lifecycle.core.outcome import Outcome
from ..._engine.lifecycle.image.load import load
from ..options import ArgumentSpec
from ..podman_options import PROGRAM
from ..runner import run
from ..tasks.image.local import LoadRequest, to_load

ARGUMENTS: ArgumentSpec = {
    "input": {"type": "path", "required": True, "aliases": ["path"]},
    "name": {"type": "str"},
    "reference": {"type": "str"},
}


def act(engine: Engine, request: LoadRequest) -> Outcome:
    """Load the archive."""
    return load(engine, request.path, request.name, reference=request.reference)


def main() -> None:
    """Run the module."""
    run(
        ARGUMENTS,
        to_load,
        act,
        otherwise="loaded images from {input}",
        result={"image": {}, "images": []},
        foreign=PROGRAM,
    )
