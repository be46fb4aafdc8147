# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway explain``: why a container is in its state, in sentences."""

from __future__ import annotations

import argparse
from typing import Any

from ...lifecycle.core.engine import Engine
from ..cli.output import write, write_json


def add(verbs: Any) -> None:
    """Add the verb."""
    text = "explain why a container is in its state"
    parser = verbs.add_parser("explain", help=text, description=text)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("name", metavar="NAME")
    parser.set_defaults(verb=_explain)


def _explain(engine: Engine, arguments: argparse.Namespace) -> None:
    from ...lifecycle.core.lookup import find_typed
    from ...lifecycle.info import info
    from ...lifecycle.info.explain import explained

    found = info.containers(engine, [find_typed(engine, arguments.name).name], must_exist=True)
    [shape] = explained(engine, found.result["containers"])
    sentences = shape["explain"]
    if arguments.json:
        write_json(sentences)
    else:
        write("\n".join(sentences))
