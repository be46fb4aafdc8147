# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway export``: a container's root file system as a tar archive, to a file or the standard output."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from ...errors import EngineError
from ...lifecycle.core.engine import Engine


def add(verbs: Any) -> None:
    """Add the verb; options are those of podman-export(1)."""
    text = "write a container's root file system as a tar archive"
    parser = verbs.add_parser("export", help=text, description=text)
    parser.add_argument("--output", "-o", metavar="FILE", help="write to this file (standard output)")
    parser.add_argument("name", metavar="NAME")
    parser.set_defaults(verb=_export, acts=True)


def _export(engine: Engine, arguments: argparse.Namespace) -> None:
    from ...lifecycle.core.lookup import find_typed
    from ...lifecycle.files.export import ExportRequest, export

    if arguments.output is not None:
        export(engine, ExportRequest(find_typed(engine, arguments.name).name, arguments.output))
    elif sys.stdout.isatty():
        raise EngineError(
            "refusing to write an archive to a terminal", remedy="Use -o FILE, or redirect the output"
        )
    else:
        _stream(engine, arguments.name)


def _stream(engine: Engine, name: str) -> None:
    from ...lifecycle.core.archivefile import write
    from ...lifecycle.core.lookup import find_typed
    from ...lifecycle.files.export import check_there, opened

    record = find_typed(engine, name)
    with opened(engine, record) as chunks:
        for chunk in chunks:
            write(sys.stdout.fileno(), chunk, "the standard output")
    check_there(engine, record)
    engine.tell("container", "export", record.id, record.name)
