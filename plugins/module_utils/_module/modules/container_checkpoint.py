# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``container_checkpoint``: its options and its implementation."""

from __future__ import annotations

from ..podman_options import PROGRAM
from ..runner import run
from ..tasks.container_checkpoint import (
    ARGUMENTS,
    act,
    to_request,
)


def main() -> None:
    """Run the module."""
    run(ARGUMENTS, to_request, act, otherwise="made a checkpoint of {name}", foreign=PROGRAM)
