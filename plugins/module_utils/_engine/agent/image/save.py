# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway save``: images to an archive, a directory or the standard output; options of podman-save(1)."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from ...errors import EngineError, InvalidOption
from ...images.save.image import ARCHIVES, DOCKER_ARCHIVE, FORMS
from ...lifecycle.core.engine import Engine


def add(verbs: Any) -> None:
    """Add the verb."""
    text = "save images to an archive or a directory"
    parser = verbs.add_parser("save", help=text, description=text)
    parser.add_argument(
        "--output", "-o", metavar="PATH", help="write to this file or directory (standard output)"
    )
    parser.add_argument("--format", choices=FORMS, default=DOCKER_ARCHIVE, help="output format (%(default)s)")
    parser.add_argument("--compress", action="store_true", default=None, help="compress layers with gzip")
    parser.add_argument(
        "--uncompressed", action="store_false", dest="compress", help="do not compress layers"
    )
    parser.add_argument(
        "--multi-image-archive",
        "-m",
        action="store_true",
        help="no effect: several images are always allowed",
    )
    parser.add_argument("--quiet", "-q", action="store_true", help="no effect: nothing is printed")
    parser.add_argument("names", nargs="+", metavar="IMAGE", help="name or id")
    parser.set_defaults(verb=_save, acts=True)


def _save(engine: Engine, arguments: argparse.Namespace) -> None:
    from ...lifecycle.image.save import SaveRequest, save

    names = tuple(_meant(engine, name) for name in arguments.names)
    if arguments.output is not None:
        dest = os.path.abspath(arguments.output)
        save(engine, SaveRequest(names, dest, arguments.format, arguments.compress))
    elif arguments.format not in ARCHIVES:
        why = "writes a directory, which the standard output cannot carry"
        raise InvalidOption("format", arguments.format, why, remedy="Use -o DIRECTORY")
    elif sys.stdout.isatty():
        remedy = "Use -o FILE, or redirect the output"
        raise EngineError("refusing to write an archive to a terminal", remedy=remedy)
    else:
        _stream(engine, SaveRequest(names, "", arguments.format, arguments.compress))


def _meant(engine: Engine, text: str) -> str:
    """Return the image's name as it was typed, or its id if an id prefix was typed."""
    from ...images.archive.reference import candidates
    from ...lifecycle.core.images import find_typed_image

    found = find_typed_image(engine, text)
    return text if {*candidates(text)} & {*found.names} else found.id


def _stream(engine: Engine, request: Any) -> None:
    """Write the archive to an unnamed file, because its sizes are not known in advance; then copy that out."""
    import tempfile

    from ...images.tar.streams import section
    from ...lifecycle.core.archivefile import write
    from ...lifecycle.image.save import written

    with tempfile.TemporaryFile(dir=engine.layout.staging) as file:
        written(engine, request, file.fileno())
        for chunk in section(file.fileno(), 0):
            write(sys.stdout.fileno(), chunk, "the standard output")
