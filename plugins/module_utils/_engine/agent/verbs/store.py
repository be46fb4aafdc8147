# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway store rebuild``: make the database again from what lies beside containers, volumes and images."""

from __future__ import annotations

import argparse
import sys
from typing import Any

#: Something could not be made again.
_SOME_LEFT = 1
_SAID = {
    "": "the database is whole",
    "damaged": "the database is damaged: it is kept beside the new one",
    "lost": "there is no database",
}


def add(verbs: Any) -> None:
    """Add the verb."""
    text = "make the database, or what it lacks, again from what lies on disk, and take up the containers that run"
    parser = verbs.add_parser("store", help=text, description=text)
    parser.add_argument("action", choices=["rebuild"])
    parser.add_argument("--dry-run", action="store_true", help="only tell what would be done")
    parser.set_defaults(alone=True, verb=_rebuild)


def _rebuild(_engine: None, arguments: argparse.Namespace) -> int:
    from ...lifecycle.host.read_only import check_root
    from ...lifecycle.host.rebuild import rebuild

    check_root()
    done = rebuild(arguments.root, arguments.run_root, dry_run=arguments.dry_run)
    verb = "would make again" if arguments.dry_run else "made again"
    sys.stdout.write(f"{_SAID[done.state]}\n")
    for what in done.made:
        sys.stdout.write(f"{verb} {what}\n")
    if not done.made:
        sys.stdout.write("nothing is missing\n")
    for problem in done.problems:
        sys.stderr.write(f"slipway: {problem}\n")
    return _SOME_LEFT if done.problems else 0
