# SPDX-License-Identifier: GPL-3.0-or-later
"""Print a list as a table, JSON, ids or through a template; with podman's options for it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ...errors import InvalidOption
from ...model.values.names import near
from . import output, template
from .table import render

Shape = Mapping[str, Any]


class Field(NamedTuple):
    """A field ``{{.Name}}``: its heading, and the function for its value (shape, whether ids stay whole)."""

    heading: str
    value: Callable[[Shape, bool], object]


Fields = Mapping[str, Field]


def add_options(
    parser: argparse.ArgumentParser,
    *,
    filters: Iterable[str] = (),
    noheading: tuple[str, ...] = ("--noheading",),
) -> None:
    """Add the options of a list; ``filters``: the keys that ``--filter`` accepts."""
    parser.add_argument("--json", action="store_true", help="print all data as JSON")
    parser.add_argument(
        "--quiet", "-q", action="store_true", help="print only ids (names for volumes and networks)"
    )
    parser.add_argument(
        "--format",
        metavar="TEMPLATE",
        help="json, text with {{.Field}}, or columns: table {{.Field}}",
    )
    parser.add_argument("--no-trunc", action="store_true", help="do not truncate ids")
    parser.add_argument(*noheading, action="store_true", help="print no headings")
    if filters:
        parser.add_argument(
            "--filter",
            "-f",
            action="append",
            default=[],
            metavar="KEY=VALUE",
            help=f"filter the list; may be repeated. Keys: {', '.join(filters)}",
        )


def show(
    arguments: argparse.Namespace,
    found: Sequence[Shape],
    fields: Fields,
    usual: Sequence[str],
    identity: Callable[[Shape], str],
) -> None:
    """Print the list. ``usual``: the fields of the table; ``identity`` returns what ``--quiet`` prints."""
    whole = arguments.no_trunc
    if arguments.json or arguments.format == "json":
        output.write_json(found)
    elif arguments.quiet:
        sys.stdout.write("".join(f"{_short(identity(shape), whole=whole)}\n" for shape in found))
    elif arguments.format not in (None, "table"):
        sys.stdout.write(_formatted(template.parse(arguments.format), found, fields, arguments))
    else:
        rows = [[template.as_go(fields[name].value(shape, whole)) for name in usual] for shape in found]
        text = render([fields[name].heading for name in usual], rows)
        sys.stdout.write(text.split("\n", 1)[1] if arguments.noheading else text)


def _short(identity: str, *, whole: bool) -> str:
    return identity if whole else short_id(identity)


def short_id(text: str) -> str:
    """Return the first 12 digits of an id; a name is returned unchanged."""
    return text[:12] if len(text) == 64 else text


def _formatted(
    asked: template.Template, found: Sequence[Shape], fields: Fields, arguments: argparse.Namespace
) -> str:
    for name in asked.fields():  # checked even if the list is empty
        _field(fields, name)
    lines = [asked.render(_look(shape, fields, whole=arguments.no_trunc)) for shape in found]
    if not asked.table:
        return "".join(f"{line}\n" for line in lines)
    head = asked.headings({name: field.heading for name, field in fields.items()})
    text = render(head.split("\t"), [line.split("\t") for line in lines])
    return text.split("\n", 1)[1] if arguments.noheading else text


def _look(shape: Shape, fields: Fields, *, whole: bool) -> template.Look:
    def look(path: Sequence[str]) -> object:
        if not path:
            return {name: field.value(shape, whole) for name, field in fields.items()}
        return template.look_into(_field(fields, path[0]).value(shape, whole))(path[1:])

    return look


def _field(fields: Fields, name: str) -> Field:
    if name not in fields:
        hint = f" (near: {', '.join(near(name, fields))})" if near(name, fields) else ""
        raise InvalidOption(
            "format", f".{name}", f"is not a field{hint}", remedy=f"Use some of {', '.join(fields)}"
        )
    return fields[name]
