# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs of ``slipway`` for users: the table of verbs, and how one is run.

Only the module of the requested verb is imported; help, completion and the manual page import all.
"""

from __future__ import annotations

import argparse
import os
import signal
from collections.abc import Callable, Mapping
from typing import Any, Optional

from ...errors import EngineError, NotFound
from ...lifecycle.core.engine import Engine
from ...lifecycle.host.opening import open_engine
from ...lifecycle.host.read_only import unknown
from ...lifecycle.host.run_root import recorded
from ...model.engine.layout import Layout
from ...model.engine.places import DEFAULT_ROOT, DEFAULT_RUN_ROOT
from ...version import VERSION
from ..cli import output
from ..cli.parsing import Parser, read, unknown_verb, verb_in

#: Returns the exit code; None is 0.
Verb = Callable[[Engine, argparse.Namespace], Optional[int]]
FAILED, MISUSED = 125, 2


def run(argv: list[str], root: str, run_root: str) -> int:
    """Parse the arguments and run the verb; verbs that only read change nothing on the host."""
    output.take_any_name()
    verb = verb_in(argv)
    parser = parser_of(root, run_root, verb)
    if verb is not None and verb not in VERBS:
        parser.error(unknown_verb(verb, VERBS))
    arguments = read(parser, argv)
    if arguments.run_root is None:
        arguments.run_root = _run_root_of(arguments.root, root, run_root)
    arguments.whole = lambda: parser_of(DEFAULT_ROOT, DEFAULT_RUN_ROOT)
    if getattr(arguments, "alone", False):
        return arguments.verb(None, arguments) or 0
    try:
        return _run(arguments)
    except EngineError as error:
        output.complain(error, arguments.flags)
        # For exec, 2 would look like the command's exit code.
        return MISUSED if verb != "exec" and output.is_misuse(error, arguments.flags) else FAILED


def _run(arguments: argparse.Namespace) -> int:
    _refuse_nowhere(Layout(arguments.root, arguments.run_root))
    # Following reads the live database that others write, not a copy of it.
    read_only = not (getattr(arguments, "acts", False) or getattr(arguments, "follow", False))
    # A verb that reads, or ends known containers, cannot harm containers that the database lacks; the user is warned of them.
    known_alone = read_only or getattr(arguments, "ends", False)
    with open_engine(
        arguments.root, arguments.run_root, read_only=read_only, known_alone=known_alone
    ) as engine:
        for error in unknown(engine) if known_alone else ():
            output.complain(error, arguments.flags)
        if not getattr(arguments, "hands_on_signals", False):
            signal.signal(signal.SIGINT, signal.default_int_handler)  # lets the verb undo its work
        try:
            return arguments.verb(engine, arguments) or 0
        finally:
            for error in engine.warned:
                output.complain(error, arguments.flags)


def _run_root_of(wanted: str, root: str, run_root: str) -> str:
    """Return the default run root of a root: the program's own, or the one last used with that root."""
    if os.path.realpath(wanted) == os.path.realpath(root):
        return run_root
    return recorded(wanted) or run_root


def _refuse_nowhere(layout: Layout) -> None:
    """Raise NotFound where no engine has ever been; a root that has lost its database still counts as one."""
    try:
        entries = os.listdir(layout.root)
    except (FileNotFoundError, NotADirectoryError):
        entries = []
    known = (layout.database, layout.containers, layout.agent)
    if not {os.path.basename(path) for path in known} & {*entries}:
        remedy = "Pass a root that a task of slipway.oci uses: the first task creates it"
        raise NotFound("engine", layout.root, remedy=remedy)


def parser_of(root: str, run_root: str, verb: str | None = None) -> Parser:
    """Return the parser of one verb, or of all verbs."""
    parser = Parser(prog="slipway", description="OCI containers without a daemon (slipway.oci)")
    parser.add_argument("--root", default=root, metavar="DIR", help="state directory (%(default)s)")
    parser.add_argument(
        "--run-root",
        metavar="DIR",
        help=f"volatile directory ({run_root}; with --root, the one last used with DIR)",
    )
    parser.add_argument("--version", action="version", version=f"slipway {VERSION}")
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    known = VERBS.get(verb or "")
    for add in (known,) if known else dict.fromkeys(VERBS.values()):
        add(verbs)
    return parser


# -- the function that adds each verb --------------------------------------------------------------------


def _ps(verbs: Any) -> None:
    from . import ps

    ps.add(verbs)


def _containers(verbs: Any) -> None:
    from . import containers

    containers.add(verbs)


def _exec(verbs: Any) -> None:
    from .exec import add

    add(verbs)


def _logs(verbs: Any) -> None:
    from . import logs

    logs.add(verbs)


def _stats(verbs: Any) -> None:
    from . import stats

    stats.add(verbs)


def _inspect(verbs: Any) -> None:
    from . import inspect

    inspect.add(verbs)


def _explain(verbs: Any) -> None:
    from . import explain

    explain.add(verbs)


def _events(verbs: Any) -> None:
    from . import events

    events.add(verbs)


def _cp(verbs: Any) -> None:
    from . import cp

    cp.add(verbs)


def _files(verbs: Any) -> None:
    from . import diff, export, mount

    diff.add(verbs)
    export.add(verbs)
    mount.add(verbs)


def _checkpoint(verbs: Any) -> None:
    from . import checkpoint

    checkpoint.add(verbs)


def _images(verbs: Any) -> None:
    from . import images

    images.add(verbs)


def _image_names(verbs: Any) -> None:
    from ..image import save, tag

    save.add(verbs)
    tag.add(verbs)


def _commit(verbs: Any) -> None:
    from ..image import commit

    commit.add(verbs)


def _registry(verbs: Any) -> None:
    from ..image import pull, registry

    pull.add(verbs)
    registry.add(verbs)


def _volumes(verbs: Any) -> None:
    from . import volume

    volume.add(verbs)


def _networks(verbs: Any) -> None:
    from . import network

    network.add(verbs)


def _host(verbs: Any) -> None:
    from . import host

    host.add(verbs)


def _programs(verbs: Any) -> None:
    from . import boot, programs

    programs.add(verbs)
    boot.add(verbs)


def _prune(verbs: Any) -> None:
    from ..store import prune

    prune.add(verbs)


def _store(verbs: Any) -> None:
    from ..store import store

    store.add(verbs)


def _manual(verbs: Any) -> None:
    from . import manual

    manual.add(verbs)


_GROUPS = (
    ("ps", _ps),
    ("start stop restart pause unpause kill rm wait rename", _containers),
    ("exec", _exec),
    ("logs", _logs),
    ("stats top", _stats),
    ("inspect", _inspect),
    ("explain", _explain),
    ("events", _events),
    ("cp", _cp),
    ("diff export mount unmount umount", _files),
    ("checkpoint restore", _checkpoint),
    ("images load rmi", _images),
    ("save tag untag", _image_names),
    ("commit", _commit),
    ("pull push login logout", _registry),
    ("volume volumes", _volumes),
    ("network", _networks),
    ("info version", _host),
    ("healthcheck cleanup boot shutdown", _programs),
    ("df image system", _prune),
    ("store", _store),
    ("completion man", _manual),
)
#: The function that adds each verb, in the order of the help; a unit test checks the mapping.
VERBS: Mapping[str, Callable[[Any], None]] = {name: add for names, add in _GROUPS for name in names.split()}
