# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``image_info``: its options, and what it runs."""

from __future__ import annotations

from ..._engine.lifecycle.info.info import images
from ..options import NAMES_OPTION, names_asked
from ..podman_options import PROGRAM
from ..read_only import look


def main() -> None:
    """Run the module."""
    look(NAMES_OPTION, names_asked, images, foreign=PROGRAM)
