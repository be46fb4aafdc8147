# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``image``: its options and its implementation."""

from __future__ import annotations

from ..._engine.lifecycle.core.engine import Engine
from ..._engine.lifecycle.core.outcome import Outcome
from ..podman_options import PULLED
from ..runner import run
from ..tasks.image.options import ARGUMENTS, ImageRequest, to_image


def act(engine: Engine, request: ImageRequest) -> Outcome:
    """Converge the image to the task's request."""
    if request.wanted is None:
        from ..._engine.lifecycle.image.remove import remove_image

        return remove_image(engine, request.name, force=request.force)
    if request.loads:
        from ..._engine.images.offer import decode
        from ..._engine.lifecycle.image.offered import take

        return take(engine, decode(request.wanted.offer), request.wanted.place, "loaded")
    from ..._engine.lifecycle.image.pull import pull

    return pull(engine, request.wanted)


def main() -> None:
    """Run the module."""
    run(
        ARGUMENTS,
        to_image,
        act,
        otherwise="brought image {name} to {state}",
        result={"image": {}, "images": []},
        foreign=PULLED,
    )
