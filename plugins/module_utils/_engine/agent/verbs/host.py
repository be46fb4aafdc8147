# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway info`` and ``slipway version``: the first facts that a problem report needs."""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Mapping
from typing import Any

from ...lifecycle.core.engine import Engine
from ...version import VERSION
from ..cli import output, template


def add(verbs: Any) -> None:
    """Add the verbs."""
    for name, verb, text in (
        ("info", _info, "show the engine and the features of the host"),
        ("version", _version, "show the versions of the engine and Python"),
    ):
        parser = verbs.add_parser(name, help=text, description=text)
        parser.add_argument("--json", action="store_true", help="print JSON")
        parser.add_argument("--format", "-f", metavar="TEMPLATE", help="json, or text with {{.Field}}")
        parser.set_defaults(verb=verb)
    parser.set_defaults(alone=True)


def _info(engine: Engine, arguments: argparse.Namespace) -> None:
    from ...lifecycle.host.info import host

    _show(arguments, host(engine).result["engine"])


def _version(_engine: Engine | None, arguments: argparse.Namespace) -> None:
    system = f"{platform.system().lower()}/{platform.machine()}"
    _show(
        arguments,
        {
            "Version": VERSION,
            "Python": platform.python_version(),
            "Interpreter": sys.executable,
            "OsArch": system,
        },
    )


def _show(arguments: argparse.Namespace, found: Mapping[str, Any]) -> None:
    if arguments.json or arguments.format == "json":
        output.write_json(found)
    elif arguments.format:
        output.write(template.parse(arguments.format).render(template.look_into(found)))
    else:
        sys.stdout.write("".join(_lines("", found)))


def _lines(indent: str, found: Mapping[str, Any]) -> list[str]:
    """Return a line for each key; an empty value is written as "none"."""
    lines = []
    for key, value in found.items():
        if isinstance(value, Mapping):
            lines += [f"{indent}{key}:\n", *_lines(f"{indent}  ", value)]
        else:
            text = "none" if value in (None, [], "") else template.as_go(value).strip("[]")
            lines.append(f"{indent}{key}: {text}\n")
    return lines
