# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway df``, short for ``slipway system df``: disk usage, in the columns of podman-system-df(1)."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from ...lifecycle.core.engine import Engine
from ..cli import listing, output
from ..cli.listing import Field, short_id
from ..cli.table import age, human_size, render

_USUAL = ("Type", "Total", "Active", "Size", "Reclaimable")


def add(verbs: Any) -> None:
    """Add the verb."""
    text = "show disk usage, and how much of it is reclaimable"
    parser = verbs.add_parser("df", help=text, description=text)
    parser.add_argument(
        "--verbose", "-v", action="store_true", help="list each image, layer, container and volume"
    )
    parser.add_argument(
        "--format", metavar="TEMPLATE", help="json, text with {{.Field}}, or columns: table {{.Field}}"
    )
    parser.set_defaults(verb=_show, json=False, quiet=False, no_trunc=False, noheading=False, filter=[])


FIELDS: Mapping[str, Field] = {
    "Type": Field("TYPE", lambda shape, _whole: shape["Type"]),
    "Total": Field("TOTAL", lambda shape, _whole: shape["Total"]),
    "Active": Field("ACTIVE", lambda shape, _whole: shape["Active"]),
    "Size": Field("SIZE", lambda shape, _whole: human_size(shape["RawSize"])),
    "Reclaimable": Field("RECLAIMABLE", lambda shape, _whole: _reclaimable(shape)),
    "RawSize": Field("RAW SIZE", lambda shape, _whole: shape["RawSize"]),
    "RawReclaimable": Field("RAW RECLAIMABLE", lambda shape, _whole: shape["RawReclaimable"]),
}


def _reclaimable(shape: Mapping[str, Any]) -> str:
    free, size = shape["RawReclaimable"], shape["RawSize"]
    return f"{human_size(free)} ({round(100 * free / size) if size else 0}%)"


def _show(engine: Engine, arguments: argparse.Namespace) -> None:
    from ...lifecycle.store.disk_use import disk_use

    found = disk_use(engine).result["disk_use"]
    if arguments.format == "json":
        output.write_json(found if arguments.verbose else found["summary"])
    elif arguments.verbose:
        sys.stdout.write("\n".join(_tables(found)))
    else:
        listing.show(arguments, found["summary"], FIELDS, _USUAL, lambda shape: str(shape["Type"]))


def _tables(found: Mapping[str, Any]) -> Sequence[str]:
    blobs = next(row for row in found["summary"] if row["Type"] == "Blobs")
    return (
        _table(
            "Images",
            "REPOSITORY:TAG,IMAGE ID,CREATED,SIZE,SHARED SIZE,UNIQUE SIZE,CONTAINERS",
            map(_image, found["images"]),
        ),
        _table("Layers", "LAYER ID,SIZE,IMAGES", map(_layer, found["layers"])),
        _table(
            "Containers",
            "CONTAINER ID,IMAGE,LOCAL VOLUMES,SIZE,CREATED,STATUS,NAMES",
            map(_container, found["containers"]),
        ),
        _table("Local Volumes", "VOLUME NAME,LINKS,SIZE", map(_volume, found["volumes"])),
        _table(
            "Blobs",
            "TOTAL,SIZE,RECLAIMABLE",
            [(blobs["Total"], human_size(blobs["RawSize"]), _reclaimable(blobs))],
        ),
    )


def _table(title: str, head: str, rows: Any) -> str:
    lines = [[str(cell) for cell in row] for row in rows]
    return f"{title} space usage:\n\n{render(head.split(','), lines)}"


def _image(one: Mapping[str, Any]) -> tuple[object, ...]:
    sizes = (human_size(one[key]) for key in ("Size", "SharedSize", "UniqueSize"))
    name = ", ".join(one["RepoTags"]) or "<none>"
    return name, short_id(one["Id"]), age(one["Created"]), *sizes, one["Containers"]


def _layer(one: Mapping[str, Any]) -> tuple[object, ...]:
    return short_id(one["Id"]), human_size(one["Size"]), ", ".join(map(short_id, one["Images"])) or "none"


def _container(one: Mapping[str, Any]) -> tuple[object, ...]:
    size, made = human_size(one["Size"]), age(one["Created"])
    return short_id(one["Id"]), one["Image"], one["LocalVolumes"], size, made, one["Status"], one["Name"]


def _volume(one: Mapping[str, Any]) -> tuple[object, ...]:
    return one["Name"], one["Links"], human_size(one["Size"])
