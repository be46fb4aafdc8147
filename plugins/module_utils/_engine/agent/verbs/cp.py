# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway cp``: copy files into or out of a container, as podman-cp(1) does."""

from __future__ import annotations

import argparse
import os
from typing import Any, NamedTuple, Optional

from ...errors import InvalidOption, NotBuiltYet
from ...lifecycle.core.engine import Engine


class End(NamedTuple):
    """One end of a copy; ``container`` None: a path on the host."""

    container: Optional[str]
    path: str


def add(verbs: Any) -> None:
    """Add the verb."""
    text = "copy files into or out of a container"
    parser = verbs.add_parser("cp", help=text, description=text)
    parser.add_argument(
        "source", metavar="[NAME:]SOURCE", help="file or directory; DIRECTORY/. copies only its contents"
    )
    parser.add_argument("dest", metavar="[NAME:]DEST")
    parser.add_argument(
        "--archive",
        "-a",
        nargs="?",
        choices=["true", "false"],
        const="true",
        default="true",
        help="give copied-in files to the container's user (%(default)s); false preserves owners",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="allow a file to replace a directory, and vice versa"
    )
    parser.set_defaults(verb=_copy, acts=True)


def end(text: str) -> End:
    """Parse one end: text that begins with a dot or slash, or has no colon, is a path on the host."""
    name, colon, path = text.partition(":")
    if text.startswith((".", "/")) or not colon:
        return End(None, text)
    if not name or not path:
        raise InvalidOption("SOURCE or DEST", text, "has no name or no path", remedy="Write NAME:PATH")
    return End(name, path)


def _copy(engine: Engine, arguments: argparse.Namespace) -> None:
    from ...lifecycle.core.lookup import find_typed
    from ...lifecycle.files.copy import CopyRequest, copy

    source, dest = end(arguments.source), end(arguments.dest)
    if "-" in (source.path, dest.path):
        raise NotBuiltYet(
            "an archive on the standard input or output (-) is not implemented",
            remedy="Name a file or directory",
        )
    if (source.container is None) == (dest.container is None):
        what = "two containers" if source.container else "no container"
        raise InvalidOption(
            "SOURCE DEST",
            f"{arguments.source} {arguments.dest}",
            f"name {what}",
            remedy="Write NAME: before exactly one of them; to copy between containers, copy via the host",
        )
    copy(
        engine,
        CopyRequest(
            find_typed(engine, source.container or dest.container or "").name,
            _path(source),
            _path(dest),
            from_container=source.container is not None,
            archive=arguments.archive == "true",
            overwrite=arguments.overwrite,
        ),
    )


def _path(one: End) -> str:
    """Return a path for the copy, with host paths absolute and their endings (``/.``, ``/``) preserved."""
    return one.path if one.container else os.path.join(os.getcwd(), one.path)
