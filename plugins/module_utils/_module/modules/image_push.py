# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``image_push``: its options and its implementation."""

from __future__ import annotations

from ..._engine.lifecycle.image.push import push
from ..podman_options import PROGRAM
from ..runner import run
from ..tasks.image.push import ARGUMENTS, to_push


def main() -> None:
    """Run the module."""
    run(
        ARGUMENTS,
        to_push,
        push,
        otherwise="pushed image {name}",
        result={"image": {}, "digest": ""},
        foreign=PROGRAM,
    )
