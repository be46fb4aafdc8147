# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway checkpoint`` and ``restore``; options of podman-container-checkpoint(1) and -restore(1)."""

from __future__ import annotations

import argparse
import os
from typing import Any

from ...errors import EngineError
from ...lifecycle.core.engine import Engine
from ...model.container import status
from ...model.container.checkpoint import COMPRESSIONS, CheckpointOptions, RestoreOptions
from ...model.engine.record import ContainerRecord
from ..cli import output
from .containers import add_verb, exit_command


def add(verbs: Any) -> None:
    """Add both verbs."""
    parser = add_verb(verbs, "checkpoint", _checkpoint, "checkpoint running containers", {status.RUNNING})
    parser.add_argument("--leave-running", "-R", action="store_true", help="leave the containers running")
    parser.add_argument("--export", "-e", metavar="FILE", help="also write the checkpoint to this archive")
    parser.add_argument("--compress", "-c", choices=COMPRESSIONS, help="compression of the archive (zstd)")
    _add_common(parser)
    text = "restore containers from their checkpoints"
    parser = verbs.add_parser("restore", help=text, description=text)
    parser.add_argument("names", nargs="*", metavar="NAME", help="name, id or id prefix")
    parser.add_argument(
        "--import", "-i", dest="source", metavar="FILE", help="create a container from this archive"
    )
    parser.add_argument("--name", "-n", help="name of the new container; only with --import")
    parser.set_defaults(verb=_restore_all, acts=True)
    _add_common(parser)


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--keep", "-k", action="store_true", help="keep CRIU's files")
    parser.add_argument("--tcp-established", action="store_true", help="include established TCP connections")
    parser.add_argument("--file-locks", action="store_true", help="include file locks")
    parser.add_argument("--ignore-rootfs", action="store_true", help="leave changed files out of the archive")
    parser.add_argument("--ignore-volumes", action="store_true", help="leave volumes out of the archive")


def _raw(arguments: argparse.Namespace, **more: object) -> dict[str, object]:
    names = ("keep", "tcp_established", "file_locks", "ignore_rootfs", "ignore_volumes")
    return {**{name: getattr(arguments, name) for name in names}, **more}


def _path(text: str | None) -> str | None:
    return None if text is None else os.path.abspath(text)


def _checkpoint(engine: Engine, record: ContainerRecord, arguments: argparse.Namespace) -> None:
    from ...lifecycle.checkpoint.checkpoint import checkpoint

    raw = _raw(
        arguments,
        leave_running=arguments.leave_running,
        export=_path(arguments.export),
        compress=arguments.compress,
    )
    checkpoint(engine, record, CheckpointOptions.parse(raw))


def _restore_all(engine: Engine, arguments: argparse.Namespace) -> int:
    """Restore each container, or the archive's; continue after errors, and return 125 if there was any."""
    if bool(arguments.names) == bool(arguments.source):
        raise EngineError("expected either container names or --import FILE")
    if arguments.name and not arguments.source:
        raise EngineError("--name requires --import")
    wanted = [arguments.name] if arguments.source else arguments.names
    return max([_restore(engine, name, arguments) for name in wanted])


def _restore(engine: Engine, name: str | None, arguments: argparse.Namespace) -> int:
    from ...lifecycle.checkpoint.restore_task import restore
    from ...lifecycle.core.lookup import find_typed

    try:
        found = None if name is None or arguments.source else find_typed(engine, name).name
        options = RestoreOptions.parse(
            _raw(arguments, name=found or name, **{"import": _path(arguments.source)})
        )
        shape = restore(engine, options, exit_command).result["container"]
    except (EngineError, OSError) as error:
        output.complain(error, arguments.flags)
        return 125
    output.write(shape["Id"] if arguments.source else str(name))
    return 0
