# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs of ``slipway`` for a person: tables to read, ``--json`` for programs."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Optional

from ..errors import InvalidOption, NotFound
from ..lifecycle import info
from ..lifecycle.engine import Engine
from ..lifecycle.opening import open_engine
from ..version import VERSION
from . import (
    cli_boot,
    cli_checkpoint,
    cli_diff,
    cli_events,
    cli_exec,
    cli_explain,
    cli_export,
    cli_logs,
    cli_mount,
    cli_verbs,
)
from .table import age, human_size, render

#: Returns the exit code, None for 0.
Verb = Callable[[Engine, argparse.Namespace], Optional[int]]


def run(argv: list[str], root: str, run_root: str) -> int:
    """Parse the arguments and run the verb; reading verbs change nothing on the host."""
    arguments = _parser(root, run_root).parse_args(argv)
    # To follow is to look at the database that others write, not at a copy of it.
    read_only = not (getattr(arguments, "acts", False) or getattr(arguments, "follow", False))
    with open_engine(arguments.root, arguments.run_root, read_only=read_only) as engine:
        return arguments.verb(engine, arguments) or 0


def _parser(root: str, run_root: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="slipway", description="OCI containers without a daemon (slipway.oci)"
    )
    parser.add_argument("--root", default=root, help="state directory (%(default)s)")
    parser.add_argument("--run-root", default=run_root, help="volatile directory (%(default)s)")
    parser.add_argument("--version", action="version", version=f"slipway {VERSION}")
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    _verb(verbs, "ps", _ps, "list containers")
    _verb(verbs, "images", _images, "list images")
    _verb(verbs, "volumes", _volumes, "list volumes")
    _add_inspect(verbs)
    cli_logs.add(verbs)
    cli_events.add(verbs)
    cli_explain.add(verbs)
    cli_exec.add(verbs)
    cli_export.add(verbs)
    cli_diff.add(verbs)
    cli_mount.add(verbs)
    cli_verbs.add(verbs)
    cli_checkpoint.add(verbs)
    cli_boot.add(verbs)
    _add_healthcheck(verbs)
    cleanup = verbs.add_parser(
        "cleanup", help="clean up after a container that has ended (conmon calls this)"
    )
    cleanup.add_argument("id")
    return parser


def _verb(verbs: Any, name: str, verb: Verb, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=text, description=text)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(verb=verb)
    return parser


def _add_inspect(verbs: Any) -> None:
    parser = verbs.add_parser("inspect", help="show everything about a container, volume or image, as JSON")
    parser.add_argument("name")
    parser.set_defaults(verb=_inspect)


def _add_healthcheck(verbs: Any) -> None:
    text = "check a container's health now; the exit code is 1 when it is not healthy"
    parser = verbs.add_parser("healthcheck", help=text, description=text)
    parser.add_argument("action", choices=["run"])
    parser.add_argument("name")
    parser.set_defaults(verb=_healthcheck, acts=True)


def _healthcheck(engine: Engine, arguments: argparse.Namespace) -> int:
    from ..lifecycle.health import run_once
    from ..lifecycle.named import find_typed

    health = run_once(engine, find_typed(engine, arguments.name).name)
    sys.stdout.write(f"{health.status}\n")
    return 0 if health.log[-1].exit_code == 0 else 1


def _ps(engine: Engine, arguments: argparse.Namespace) -> None:
    found = info.containers(engine).result["containers"]
    rows = [
        (shape["Id"][:12], shape["Name"], shape["ImageName"], _state(shape["State"]), age(shape["Created"]))
        for shape in found
    ]
    _print(arguments, found, ("CONTAINER ID", "NAME", "IMAGE", "STATUS", "CREATED"), rows)


def _state(state: Mapping[str, Any]) -> str:
    if state["Status"] == "running":
        health = state.get("Health", {}).get("Status")
        return f"running, pid {state['Pid']}{f' ({health})' if health else ''}"
    if state.get("Checkpointed"):
        return "exited, checkpointed"
    if state["Status"] == "exited":
        code = "unknown code" if state["ExitCode"] is None else f"code {state['ExitCode']}"
        return f"exited, {code}{', out of memory' if state['OOMKilled'] else ''}"
    return str(state["Status"])


def _images(engine: Engine, arguments: argparse.Namespace) -> None:
    found = info.images(engine).result["images"]
    rows = [
        (
            shape["Id"][:12],
            ", ".join(shape["RepoTags"]) or "<none>",
            human_size(shape["Size"]),
            age(shape["Created"]),
        )
        for shape in found
    ]
    _print(arguments, found, ("IMAGE ID", "NAMES", "SIZE", "CREATED"), rows)


def _volumes(engine: Engine, arguments: argparse.Namespace) -> None:
    found = info.volumes(engine).result["volumes"]
    rows = [
        (shape["Name"], shape["Driver"], ", ".join(shape["used_by"]), shape["Mountpoint"]) for shape in found
    ]
    _print(arguments, found, ("NAME", "DRIVER", "USED BY", "MOUNTPOINT"), rows)


def _inspect(engine: Engine, arguments: argparse.Namespace) -> None:
    name = _full_name(engine, arguments.name)
    for look, key in ((info.containers, "containers"), (info.volumes, "volumes"), (info.images, "images")):
        found = look(engine, [name]).result[key]
        if found:
            sys.stdout.write(json.dumps(found, indent=2) + "\n")
            return
    raise NotFound(
        "container, volume or image", arguments.name, remedy="`slipway ps`, `volumes` and `images` list them"
    )


def _full_name(engine: Engine, text: str) -> str:
    """Return the id of the container or image that the text means, the text itself where it is neither's."""
    from ..lifecycle.images import find_typed_image
    from ..lifecycle.named import find_typed

    with suppress(NotFound):
        return find_typed(engine, text).id
    with suppress(NotFound, InvalidOption):
        return find_typed_image(engine, text).id
    return text


def _print(
    arguments: argparse.Namespace, found: object, head: tuple[str, ...], rows: Sequence[Sequence[str]]
) -> None:
    sys.stdout.write(json.dumps(found, indent=2) + "\n" if arguments.json else render(head, rows))
