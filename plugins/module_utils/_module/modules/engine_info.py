# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``engine_info``: its options and its implementation."""

from __future__ import annotations

from ..._engine.lifecycle.host.info import host
from ..podman_options import PROGRAM
from ..read_only import look


def main() -> None:
    """Run the module."""
    look({}, lambda _params: None, lambda engine, _request: host(engine), foreign=PROGRAM)
