# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``events_info``: its options and its implementation."""

from __future__ import annotations

from ..._engine.lifecycle.core.events import events
from ..options import NAMES_OPTION
from ..read_only import look
from ..tasks.events_info import to_query


def main() -> None:
    """Run the module."""
    options = {
        **NAMES_OPTION,
        "since": {"type": "str"},
        "until": {"type": "str"},
        "filters": {"type": "list", "elements": "str", "default": []},
        "limit": {"type": "int"},
    }
    look(options, to_query, events)
