# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway diff``: the files that a container has changed, one path per line."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from ...lifecycle.core.engine import Engine


def add(verbs: Any) -> None:
    """Add the verb; its lines are those of podman-diff(1)."""
    text = "list the files that a container added (A), changed (C) and deleted (D)"
    parser = verbs.add_parser("diff", help=text, description=text)
    parser.add_argument("name", metavar="NAME")
    parser.set_defaults(verb=_diff, acts=False)


def _diff(engine: Engine, arguments: argparse.Namespace) -> None:
    from ...lifecycle.core.lookup import find_typed
    from ...lifecycle.files.diff import changed_paths

    for change in changed_paths(engine, find_typed(engine, arguments.name).name):
        sys.stdout.buffer.write(os.fsencode(f"{change.kind[0].upper()} {change.path}\n"))
