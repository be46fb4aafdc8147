# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway cp``: copy files into a container or out of it, as podman-cp(1) has it."""

from __future__ import annotations

import argparse
import os
from typing import Any, NamedTuple, Optional

from ...errors import InvalidOption, NotBuiltYet
from ...lifecycle.core.engine import Engine


class End(NamedTuple):
    """One end of a copy; ``container`` None: a path of the host."""

    container: Optional[str]
    path: str


def add(verbs: Any) -> None:
    """Add the verb."""
    text = "copy files into a container or out of it"
    parser = verbs.add_parser("cp", help=text, description=text)
    parser.add_argument(
        "source", metavar="[NAME:]SOURCE", help="a file or directory; DIRECTORY/. is what is in it"
    )
    parser.add_argument("dest", metavar="[NAME:]DEST")
    parser.add_argument(
        "--archive",
        "-a",
        nargs="?",
        choices=["true", "false"],
        const="true",
        default="true",
        help="what is copied in is the container's user's; --archive=false keeps owners",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="a file may take a directory's place, and the other way"
    )
    parser.set_defaults(verb=_copy, acts=True)


def end(text: str) -> End:
    """Read one end: what begins with a dot or a slash, or has no colon, is a path of the host."""
    name, colon, path = text.partition(":")
    if text.startswith((".", "/")) or not colon:
        return End(None, text)
    if not name or not path:
        raise InvalidOption("SOURCE or DEST", text, "lacks a half", remedy="Write NAME:PATH")
    return End(name, path)


def _copy(engine: Engine, arguments: argparse.Namespace) -> None:
    from ...lifecycle.core.lookup import find_typed
    from ...lifecycle.files.copy import CopyRequest, copy

    source, dest = end(arguments.source), end(arguments.dest)
    if "-" in (source.path, dest.path):
        raise NotBuiltYet(
            "- as an archive on the standard input or output is not built yet",
            remedy="Name a file or directory",
        )
    if (source.container is None) == (dest.container is None):
        what = "two containers" if source.container else "no container"
        raise InvalidOption(
            "SOURCE DEST",
            f"{arguments.source} {arguments.dest}",
            f"name {what}",
            remedy="Write NAME: before one of them, and copy between containers by way of the host",
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
    """Return a path for the copy, which counts one of a container from its working directory; the end keeps its meaning."""
    return one.path if one.container else os.path.join(os.getcwd(), one.path)
