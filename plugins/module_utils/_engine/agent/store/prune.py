# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway image prune`` and ``slipway system prune``, with podman's options."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from ...errors import EngineError
from ...lifecycle.core.engine import Engine
from ...lifecycle.inspect import filters
from ...model.engine.prune import ImagePrune, Prune
from ..cli import output
from ..cli.table import human_size
from . import df


def add(verbs: Any) -> None:
    """Add the verbs, and ``df`` both on its own and below ``system``."""
    df.add(verbs)
    text = "remove unused images"
    image = verbs.add_parser("image", help=text, description=text)
    actions = image.add_subparsers(metavar="ACTION", required=True)
    parser = actions.add_parser("prune", help=text, description=text)
    _add_options(parser, filters.IMAGES)
    parser.add_argument(
        "--keep-last",
        type=int,
        metavar="N",
        help="keep the newest N images of each repository; remove older ones",
    )
    parser.add_argument(
        "--blobs",
        action="store_true",
        help="also remove pulled layer blobs of kept images if they can be rebuilt",
    )
    parser.set_defaults(verb=_images, acts=True)
    text = "show disk usage, or remove unused data"
    system = verbs.add_parser("system", help=text, description=text)
    actions = system.add_subparsers(metavar="ACTION", required=True)
    df.add(actions)
    text = "remove exited containers, and unused networks and images"
    parser = actions.add_parser("prune", help=text, description=text)
    _add_options(parser, filters.COMMON)
    parser.add_argument(
        "--volumes", action="store_true", help="also remove unused volumes and their contents"
    )
    parser.set_defaults(verb=_system, acts=True)


def _add_options(parser: argparse.ArgumentParser, keys: Any) -> None:
    parser.add_argument("--all", "-a", action="store_true", help="also remove images that have names")
    parser.add_argument("--force", "-f", action="store_true", help="do not prompt")
    parser.add_argument(
        "--filter",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help=f"filter what is removed; may be repeated. Keys: {', '.join(keys)}",
    )


def _images(engine: Engine, arguments: argparse.Namespace) -> None:
    pairs = filters.parse(arguments.filter, filters.IMAGES)
    wish = ImagePrune(arguments.all, pairs, arguments.keep_last, arguments.blobs)
    _prune(engine, arguments, Prune(images=wish))


def _system(engine: Engine, arguments: argparse.Namespace) -> None:
    pairs = filters.parse(arguments.filter, filters.COMMON)
    images = ImagePrune(arguments.all, pairs)
    _prune(engine, arguments, Prune(pairs, pairs if arguments.volumes else None, pairs, images))


def _prune(engine: Engine, arguments: argparse.Namespace, wish: Prune) -> None:
    from ...frozen import replace
    from ...lifecycle.store.prune import prune

    if not arguments.force:
        _ask(prune(replace(engine, predicting=True), wish).actions)
    done = prune(engine, wish)
    for action in done.actions:
        output.write(action)
    output.write(f"Total reclaimed space: {human_size(done.result['space_reclaimed'])}")


def _ask(actions: tuple[str, ...]) -> None:
    """Ask for confirmation on the terminal; raises EngineError on a "no", or if there is no terminal."""
    if not sys.stdin.isatty():
        raise EngineError("cannot ask for confirmation without a terminal", remedy="Use --force")
    for action in actions:
        output.write(action.replace("removed", "will remove", 1))
    if input("Continue? [y/N] ").strip().lower() not in ("y", "yes"):
        raise EngineError("cancelled; nothing was removed")
