# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``image_prune``: its options and its implementation."""

from __future__ import annotations

from ..._engine.lifecycle.store.prune import prune
from ..podman_options import PROGRAM
from ..runner import run
from ..tasks.prune import IMAGE_ARGUMENTS, to_image_prune


def main() -> None:
    """Run the module."""
    run(IMAGE_ARGUMENTS, to_image_prune, prune, otherwise="pruned images", foreign=PROGRAM)
