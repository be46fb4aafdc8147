# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway tag`` and ``untag``, as podman-tag(1) and podman-untag(1)."""

from __future__ import annotations

import argparse
from typing import Any

from ...lifecycle.core.engine import Engine


def add(verbs: Any) -> None:
    """Add the verbs."""
    text = "add names to an image"
    parser = verbs.add_parser("tag", help=text, description=text)
    parser.add_argument("image", metavar="IMAGE", help="name or id")
    parser.add_argument("names", nargs="+", metavar="NAME", help="name to add")
    parser.set_defaults(verb=_tag, acts=True)
    text = "remove names from an image, which is kept"
    parser = verbs.add_parser("untag", help=text, description=text)
    parser.add_argument("image", metavar="IMAGE", help="name or id")
    parser.add_argument("names", nargs="*", metavar="NAME", help="names to remove (all)")
    parser.set_defaults(verb=_untag, acts=True)


def _tag(engine: Engine, arguments: argparse.Namespace) -> None:
    from ...lifecycle.core.images import find_typed_image
    from ...lifecycle.image.tag import tag

    tag(engine, find_typed_image(engine, arguments.image).id, arguments.names)


def _untag(engine: Engine, arguments: argparse.Namespace) -> None:
    from ...lifecycle.core.images import find_typed_image
    from ...lifecycle.image.tag import untag

    untag(engine, find_typed_image(engine, arguments.image).id, arguments.names)
