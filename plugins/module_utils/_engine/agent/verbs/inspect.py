# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway inspect``: all data of containers, images, volumes and networks, as JSON or by a template."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from ...errors import EngineError, InvalidOption, NotFound
from ...lifecycle.core.engine import Engine
from ...lifecycle.core.images import find_typed_image
from ...lifecycle.core.lookup import find_typed
from ...lifecycle.info import info
from ...lifecycle.network.tell import networks
from ..cli import output, template

_FAILED = 125
_ALL = "all"


def add(verbs: Any) -> None:
    """Add the verb; options are those of podman-inspect(1)."""
    text = "show all data of containers, volumes, images and networks, as JSON"
    parser = verbs.add_parser("inspect", help=text, description=text)
    parser.add_argument("names", nargs="+", metavar="NAME", help="name or id")
    parser.add_argument(
        "--type", "-t", choices=[_ALL, *_KINDS], default=_ALL, help="type of the named objects (%(default)s)"
    )
    parser.add_argument("--format", "-f", metavar="TEMPLATE", help="json, or text with {{.Field}}")
    parser.add_argument("--size", "-s", action="store_true", help="include the sizes of containers")
    parser.set_defaults(verb=_inspect)


def _inspect(engine: Engine, arguments: argparse.Namespace) -> int:
    return show(engine, arguments.names, arguments.type, arguments)


def show(engine: Engine, names: Sequence[str], kind: str, arguments: argparse.Namespace) -> int:
    """Print the objects that exist, then an error for each that does not; return the exit code."""
    asked = arguments.format if arguments.format not in (None, "json") else None
    parsed = None if asked is None else template.parse(asked)
    found, missing = [], []  # the shapes of existing objects, and the errors of missing ones
    for name in names:
        try:
            found.append(_find(engine, name, kind, size=getattr(arguments, "size", False)))
        except EngineError as error:  # noqa: PERF203  (a handful of names)
            missing.append(error)
    if parsed is None:
        output.write_json(found)
    else:
        sys.stdout.write("".join(f"{parsed.render(template.look_into(shape))}\n" for shape in found))
    for absent in missing:
        output.complain(absent, arguments.flags)
    return _FAILED if missing else 0


def _find(engine: Engine, name: str, kind: str, *, size: bool) -> Any:
    meant = _full_name(engine, name, kind)
    for known, (look, key) in _KINDS.items():
        if kind in (known, _ALL):
            more = {"size": True} if size and known == "container" else {}
            found = look(engine, [meant], must_exist=kind == known, **more).result[key]
            if found:
                return found[0]
    raise NotFound(
        "container, volume, image or network",
        name,
        remedy="List them with `slipway ps -a`, `volume ls`, `images` and `network ls`",
    )


def _full_name(engine: Engine, text: str, kind: str) -> str:
    """Return the id of the container or image that the text names, or the text itself if it names neither."""
    if kind in ("container", _ALL):
        with suppress(NotFound):
            return find_typed(engine, text).id
    if kind in ("image", _ALL):
        with suppress(NotFound, InvalidOption):
            return find_typed_image(engine, text).id
    return text


_KINDS: Mapping[str, tuple[Callable[..., Any], str]] = {
    "container": (info.containers, "containers"),
    "volume": (info.volumes, "volumes"),
    "image": (info.images, "images"),
    "network": (networks, "networks"),
}
