# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway completion`` and ``slipway man``: generated from the verbs and options themselves."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from ...lifecycle.core.engine import Engine


def add(verbs: Any) -> None:
    """Add the verbs; role ``slipway.oci.host`` ships their output."""
    text = "print the completion script of a shell"
    parser = verbs.add_parser("completion", help=text, description=text)
    parser.add_argument("shell", choices=["bash", "zsh"])
    parser.set_defaults(verb=_completion, alone=True)
    text = "print the manual page for man(1)"
    parser = verbs.add_parser("man", help=text, description=text)
    parser.set_defaults(verb=_man, alone=True)


def _completion(_engine: Engine | None, arguments: argparse.Namespace) -> None:
    from ..cli import completion, verb_table

    sys.stdout.write(completion.SHELLS[arguments.shell](verb_table.entries(arguments.whole())))


def _man(_engine: Engine | None, arguments: argparse.Namespace) -> None:
    from ..cli import manual, verb_table

    sys.stdout.write(manual.page(verb_table.entries(arguments.whole())))
