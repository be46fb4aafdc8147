# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway store check`` finds and repairs faults of stored images; ``rebuild`` rebuilds the database."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from ...lifecycle.core.engine import Engine
from ..cli import output

#: Something could not be rebuilt or repaired.
_SOME_LEFT = 1
_SAID = {
    "": "the database is intact",
    "damaged": "the database is damaged; it is kept next to the new one",
    "lost": "the database is missing",
}


def add(verbs: Any) -> None:
    """Add the verb."""
    text = "check and repair stored images, or rebuild the database"
    parser = verbs.add_parser("store", help=text, description=text)
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    _add_check(actions)
    text = "rebuild the database, or missing parts of it, from files on disk, and adopt running containers"
    parser = actions.add_parser("rebuild", help=text, description=text)
    parser.add_argument("--dry-run", action="store_true", help="only print what would be done")
    parser.set_defaults(alone=True, verb=_rebuild)


def _add_check(actions: Any) -> None:
    text = "find torn layers, missing and corrupt blobs, rows without files and files without rows"
    parser = actions.add_parser("check", help=text, description=text)
    parser.add_argument(
        "--quick", "-q", action="store_true", help="do not read the contents of layers and blobs"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(verb=_check, repair=False)
    parser.add_argument("--repair", "-r", action=_Acting, help="repair what can be repaired")


class _Acting(argparse.Action):
    """An option that turns a read-only verb into one that changes the host."""

    def __init__(self, option_strings: Any, dest: str, **more: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, **more)

    def __call__(self, _parser: Any, namespace: argparse.Namespace, *_words: Any) -> None:
        namespace.repair = namespace.acts = True


def _check(engine: Engine, arguments: argparse.Namespace) -> int:
    from ...lifecycle.store.repair import check

    found = check(engine, repair=arguments.repair, quick=arguments.quick).result["faults"]
    if arguments.json:
        output.write_json(found)
    for fault in () if arguments.json else found:
        sys.stdout.write(f"{fault['text']}\n")
        if fault["mended"]:
            sys.stdout.write("  repaired\n")
        if fault["remedy"]:
            sys.stdout.write(f"  {fault['remedy']}\n")
    if not found and not arguments.json:
        sys.stdout.write("the store is intact\n")
    return 0 if all(fault["mended"] for fault in found) else _SOME_LEFT


def _rebuild(_engine: None, arguments: argparse.Namespace) -> int:
    from ...lifecycle.host.read_only import check_root
    from ...lifecycle.host.rebuild import rebuild

    check_root()
    done = rebuild(arguments.root, arguments.run_root, dry_run=arguments.dry_run)
    verb = "would rebuild" if arguments.dry_run else "rebuilt"
    sys.stdout.write(f"{_SAID[done.state]}\n")
    for what in done.made:
        sys.stdout.write(f"{verb} {what}\n")
    if not done.made:
        sys.stdout.write("nothing is missing\n")
    for problem in done.problems:
        sys.stderr.write(f"slipway: {problem}\n")
    return _SOME_LEFT if done.problems else 0
