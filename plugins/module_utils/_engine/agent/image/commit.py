# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway commit``: create an image from a container and print its id; options of podman-commit(1)."""

from __future__ import annotations

import argparse
from typing import Any

from ...lifecycle.core.engine import Engine
from ..cli import output


def add(verbs: Any) -> None:
    """Add the verb."""
    text = "create an image from a container and print its id"
    parser = verbs.add_parser("commit", help=text, description=text)
    parser.add_argument("--author", "-a", default="", help="author of the image")
    parser.add_argument(
        "--change",
        "-c",
        action="append",
        default=[],
        metavar="LINE",
        help="apply a Dockerfile instruction, such as 'CMD /bin/app'; may be repeated",
    )
    parser.add_argument("--iidfile", metavar="FILE", help="write the id to this file")
    parser.add_argument("--include-volumes", action="store_true", help="declare all mounts as volumes")
    parser.add_argument("--message", "-m", default="", help="comment in the history")
    parser.add_argument(
        "--pause",
        choices=("true", "false"),
        default="true",
        help="pause the container during the commit (%(default)s)",
    )
    parser.add_argument(
        "--quiet", "-q", action="store_true", help="no effect: only the id is printed in any case"
    )
    parser.add_argument("--squash", "-s", action="store_true", help="merge all layers into one")
    parser.add_argument("name", metavar="NAME", help="name, id or id prefix")
    parser.add_argument("image", nargs="?", default="", metavar="IMAGE", help="name of the image (none)")
    parser.set_defaults(verb=_commit, acts=True)


def _commit(engine: Engine, arguments: argparse.Namespace) -> None:
    from ...lifecycle.build.commit import CommitRequest, commit
    from ...lifecycle.core.lookup import find_typed

    request = CommitRequest(
        find_typed(engine, arguments.name).id,
        arguments.image,
        arguments.author,
        arguments.message,
        tuple(arguments.change),
        pause=arguments.pause == "true",
        squash=arguments.squash,
        include_volumes=arguments.include_volumes,
    )
    image_id = commit(engine, request).result["image"]["Id"]
    if arguments.iidfile:
        with open(arguments.iidfile, "w", encoding="ascii") as file:
            file.write(image_id)
    output.write(image_id)
