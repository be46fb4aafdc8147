# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway volume ls``, ``inspect`` and ``rm``, with podman's options, output and exit codes."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from ...errors import EngineError
from ...lifecycle.core.engine import Engine
from ...lifecycle.info import info
from ...lifecycle.inspect import filters
from ..cli import listing, output
from ..cli.listing import Field

#: Exit codes of podman-volume-rm(1).
_FAILED, _NOT_THERE, _IN_USE = 125, 1, 2
_USUAL = ("Name", "Driver", "UsedBy", "Mountpoint")


def add(verbs: Any) -> None:
    """Add the verbs; ``volumes`` is short for ``volume ls``."""
    text = "list, inspect and remove volumes"
    parser = verbs.add_parser("volume", help=text, description=text)
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    _add_list(actions, "ls", aliases=["list"])
    text = "show all data of volumes, as JSON"
    parser = actions.add_parser("inspect", help=text, description=text)
    parser.add_argument("names", nargs="*", metavar="VOLUME")
    parser.add_argument("--all", "-a", action="store_true", help="all volumes")
    parser.add_argument("--format", "-f", metavar="TEMPLATE", help="json, or text with {{.Field}}")
    parser.set_defaults(verb=_inspect)
    text = "remove volumes and their contents"
    parser = actions.add_parser("rm", help=text, description=text)
    parser.add_argument("names", nargs="*", metavar="VOLUME")
    parser.add_argument("--all", "-a", action="store_true", help="all volumes")
    parser.add_argument("--force", "-f", action="store_true", help="also remove the containers that use them")
    parser.set_defaults(verb=_remove_all, acts=True)
    _add_list(verbs, "volumes")


def _add_list(verbs: Any, name: str, **more: Any) -> None:
    text = "list volumes"
    parser = verbs.add_parser(name, help=text, description=text, **more)
    listing.add_options(parser, filters=filters.VOLUMES, noheading=("--noheading", "-n"))
    parser.set_defaults(verb=_list)


def _list(engine: Engine, arguments: argparse.Namespace) -> None:
    wanted = filters.parse(arguments.filter, filters.VOLUMES)
    found = filters.choose(info.volumes(engine).result["volumes"], wanted, filters.VOLUMES)
    # A name is never truncated, even if it looks like an id.
    arguments.no_trunc = True
    listing.show(arguments, found, FIELDS, _USUAL, lambda shape: str(shape["Name"]))


FIELDS: Mapping[str, Field] = {
    "Name": Field("NAME", lambda shape, _whole: shape["Name"]),
    "Driver": Field("DRIVER", lambda shape, _whole: shape["Driver"]),
    "UsedBy": Field("USED BY", lambda shape, _whole: ", ".join(shape["used_by"])),
    "Mountpoint": Field("MOUNTPOINT", lambda shape, _whole: shape["Mountpoint"]),
    "Labels": Field("LABELS", lambda shape, _whole: shape["Labels"]),
    "Options": Field("OPTIONS", lambda shape, _whole: shape["Options"]),
    "CreatedAt": Field("CREATED AT", lambda shape, _whole: shape["CreatedAt"]),
    "Scope": Field("SCOPE", lambda shape, _whole: shape["Scope"]),
}


def _wanted(engine: Engine, arguments: argparse.Namespace) -> list[str]:
    if bool(arguments.names) == arguments.all:
        raise EngineError("expected either volume names or --all")
    return arguments.names or [shape["Name"] for shape in info.volumes(engine).result["volumes"]]


def _inspect(engine: Engine, arguments: argparse.Namespace) -> int:
    from .inspect import show

    return show(engine, _wanted(engine, arguments), "volume", arguments)


def _remove_all(engine: Engine, arguments: argparse.Namespace) -> int:
    codes = [_remove(engine, name, arguments) for name in _wanted(engine, arguments)]
    return next(filter(None, codes), 0)


def _remove(engine: Engine, name: str, arguments: argparse.Namespace) -> int:
    from ...lifecycle.converge.volume import converge_volume
    from ...model.volume.spec import VolumeSpec
    from ...plan.volume import How

    try:
        info.volumes(engine, [name], must_exist=True)
        converge_volume(engine, VolumeSpec(name), "absent", How(force=arguments.force))
    except (EngineError, OSError) as error:
        output.complain(error, arguments.flags)
        code = error.code if isinstance(error, EngineError) else ""
        return {"not_found": _NOT_THERE, "in_use": _IN_USE}.get(code, _FAILED)
    output.write(name)
    return 0
