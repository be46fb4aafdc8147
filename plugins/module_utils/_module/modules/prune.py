# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``prune``: its options and its implementation."""

from __future__ import annotations

from ..._engine.lifecycle.store.prune import prune
from ..podman_options import PROGRAM
from ..runner import run
from ..tasks.prune import ARGUMENTS, to_prune


def main() -> None:
    """Run the module."""
    run(ARGUMENTS, to_prune, prune, otherwise="removed unused objects", foreign=PROGRAM)
