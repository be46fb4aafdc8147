# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``container_diff``: its options and its implementation."""

from __future__ import annotations

from ..podman_options import PROGRAM
from ..read_only import look
from ..tasks.container_diff import ARGUMENTS, act, to_name


def main() -> None:
    """Run the module."""
    look(
        ARGUMENTS, to_name, act, otherwise={"added": [], "changed_paths": [], "deleted": []}, foreign=PROGRAM
    )
