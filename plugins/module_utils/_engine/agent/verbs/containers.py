# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs of ``slipway`` that change containers, with podman's options, output and exit codes.

Each continues after an error and reports all errors: 125 for an error of the engine; for ``rm``, 1 for a container that
does not exist and 2 for a running one (podman-rm(1)).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from ...errors import EngineError, NotFound
from ...lifecycle.core.engine import Engine
from ...lifecycle.core.lookup import find_typed
from ...model.container import status
from ...model.engine.record import ContainerRecord
from ...state import containers
from ..cli import output

FAILED, NOT_THERE, RUNNING, MISUSED = 125, 1, 2, 2
#: What podman prints if there is no exit code.
_NO_CODE = -1

#: Applies the verb to one container; returns the text to print, or None for the name as it was written.
Act = Callable[[Engine, ContainerRecord, argparse.Namespace], "str | None"]


def add(verbs: Any) -> None:
    """Add the verbs."""
    stopped = status.STARTABLE
    add_verb(verbs, "start", _start, "start existing containers", stopped)
    _timed(add_verb(verbs, "stop", _stop, "stop containers: stop signal, timeout, SIGKILL", status.ALIVE))
    _timed(add_verb(verbs, "restart", _restart, "stop containers, then start them", status.ALIVE))
    add_verb(verbs, "pause", _pause, "freeze all processes of containers", {status.RUNNING})
    add_verb(verbs, "unpause", _unpause, "thaw paused containers", {status.PAUSED})
    parser = add_verb(verbs, "kill", _kill, "send a signal to containers", status.ALIVE)
    parser.add_argument("--signal", "-s", default="KILL", help="signal name or number (%(default)s)")
    parser.set_defaults(check=_check_signal)
    _add_rm(verbs)
    _add_wait(verbs)
    _add_rename(verbs)


def add_verb(verbs: Any, name: str, act: Act, text: str, of_all: frozenset[str] | set[str]) -> Any:
    """Add a verb that takes any number of containers; ``of_all``: the states that ``--all`` selects."""
    parser = verbs.add_parser(name, help=text, description=text)
    parser.add_argument("names", nargs="*", metavar="NAME", help="name, id or id prefix")
    parser.add_argument("--all", "-a", action="store_true", help="apply to all containers")
    ends = act in (_stop, _kill, _remove, _wait)
    parser.set_defaults(verb=_each, act=act, of_all=of_all, acts=act not in _ENDING, ends=ends)
    return parser


def _timed(parser: Any) -> None:
    parser.add_argument(
        "--time", "-t", "--timeout", type=int, metavar="SECONDS", help="wait before SIGKILL; -1 for no limit"
    )


def _add_rm(verbs: Any) -> None:
    parser = add_verb(verbs, "rm", _remove, "remove containers", frozenset(status.MOVES))
    parser.add_argument(
        "--force", "-f", action="store_true", help="stop running containers first; ignore missing ones"
    )
    parser.add_argument(
        "--depend", action="store_true", help="also remove the containers that depend on them"
    )
    parser.add_argument("--ignore", "-i", action="store_true", help="ignore missing containers")
    parser.add_argument("--volumes", "-v", action="store_true", help="also remove their anonymous volumes")
    _timed(parser)


def _add_wait(verbs: Any) -> None:
    from ...lifecycle.container.wait import WORDS

    parser = add_verb(verbs, "wait", _wait, "wait for containers, then print their exit codes", status.ALIVE)
    parser.add_argument(
        "--condition",
        action="append",
        choices=WORDS,
        metavar="WORD",
        help=f"wait for any of these conditions (stopped): {', '.join(WORDS)}",
    )
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help="give up after this time")


def _add_rename(verbs: Any) -> None:
    text = "rename a container"
    parser = verbs.add_parser("rename", help=text, description=text)
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("new", metavar="NEW", help="the new name")
    parser.set_defaults(verb=_rename, acts=True)


# -- carrying out ----------------------------------------------------------------------------------


def _each(engine: Engine, arguments: argparse.Namespace) -> int:
    """Apply the verb to each container; return the exit code of the first failure."""
    if bool(arguments.names) == arguments.all:
        raise EngineError("expected either container names or --all")
    if hasattr(arguments, "check"):  # checks option values before any container is looked up
        arguments.check(arguments)
    codes = [_one(engine, name, arguments) for name in arguments.names or _all(engine, arguments)]
    return next(filter(None, codes), 0)


def records_in(engine: Engine, states: frozenset[str] | set[str]) -> list[ContainerRecord]:
    """Return the containers that are currently in one of these states."""
    from ...lifecycle.core.facts import observe

    with engine.database.reading() as connection:
        records = containers.all(connection)
    seen = (observe(engine, record) for record in records)
    return [record for record in seen if record.status in states]


def _all(engine: Engine, arguments: argparse.Namespace) -> Sequence[str]:
    return [record.name for record in records_in(engine, arguments.of_all)]


def _one(engine: Engine, name: str, arguments: argparse.Namespace) -> int:
    try:
        said = _done(engine, name, arguments)
    except (EngineError, OSError) as error:
        if isinstance(error, NotFound) and _may_be_missing(arguments):
            return 0
        output.complain(error, arguments.flags)
        return MISUSED if output.is_misuse(error, arguments.flags) else _code(error, arguments.act)
    output.write(name if said is None else said)
    return 0


def _done(engine: Engine, name: str, arguments: argparse.Namespace) -> str | None:
    """Apply the verb; one in _ENDING works on a full disk too, and uses ``engine`` only to look things up."""

    def act(engine: Engine) -> str | None:
        return arguments.act(engine, find_typed(engine, name), arguments)  # type: ignore[no-any-return]

    if arguments.act not in _ENDING:
        return act(engine)
    from ...lifecycle.core.emergency import ended
    from ...lifecycle.host.opening import open_engine

    layout = engine.layout
    said, warning = ended(
        lambda: open_engine(layout.root, layout.run_root, known_alone=True),
        layout,
        act,
        removes=arguments.act is _remove,
    )
    if warning:
        sys.stderr.write(f"slipway: {warning}\n")
    return said


def _may_be_missing(arguments: argparse.Namespace) -> bool:
    # As podman's rm --force: removing a missing container is a success.
    return arguments.act is _remove and (arguments.ignore or arguments.force)


def _code(error: EngineError | OSError, act: Act) -> int:
    if act is _remove and isinstance(error, EngineError):
        return {"not_found": NOT_THERE, "wrong_state": RUNNING}.get(error.code, FAILED)
    return FAILED


# -- the verbs -------------------------------------------------------------------------------------


def exit_command(engine: Engine) -> tuple[str, ...]:
    """Return the command that conmon runs at exit: this program, by the path that survives upgrades."""
    return engine.layout.agent_program, "cleanup"


def _start(engine: Engine, record: ContainerRecord, _arguments: argparse.Namespace) -> None:
    from ...lifecycle.container.start_existing import start_again
    from ...lifecycle.core.dependencies import refuse_stuck, to_start

    needed = to_start(engine, record, None)
    refuse_stuck(record.name, needed)
    for one in (*needed, record):
        _warn_of_lost(engine, one)
        start_again(engine, one.id, exit_command(engine))


def _warn_of_lost(engine: Engine, record: ContainerRecord) -> None:
    from ...lifecycle.volume.lost_data import lost_volumes

    for warning in lost_volumes(engine, record.volumes.values()):
        sys.stderr.write(f"slipway: {warning}\n")


def _stop(engine: Engine, record: ContainerRecord, arguments: argparse.Namespace) -> None:
    from ...lifecycle.container.stop import stop
    from ...lifecycle.core.origin import source_of

    stop(engine, record.id, source_of(engine, record).config, timeout=arguments.time)


def _restart(engine: Engine, record: ContainerRecord, arguments: argparse.Namespace) -> None:
    from ...lifecycle.container.restart import restart

    _warn_of_lost(engine, record)
    restart(engine, record.id, exit_command(engine), timeout=arguments.time)


def _pause(engine: Engine, record: ContainerRecord, _arguments: argparse.Namespace) -> None:
    from ...lifecycle.container.pause import pause

    pause(engine, record.id)


def _unpause(engine: Engine, record: ContainerRecord, _arguments: argparse.Namespace) -> None:
    from ...lifecycle.container.pause import unpause

    unpause(engine, record.id)


def _kill(engine: Engine, record: ContainerRecord, arguments: argparse.Namespace) -> None:
    from ...lifecycle.container.kill import kill
    from ...model.values.quantities import signal_number

    kill(engine, record.id, signal_number("--signal", arguments.signal))


def _check_signal(arguments: argparse.Namespace) -> None:
    from ...model.values.quantities import signal_number

    signal_number("--signal", arguments.signal)


def _remove(engine: Engine, record: ContainerRecord, arguments: argparse.Namespace) -> None:
    from ...lifecycle.container.remove import remove
    from ...lifecycle.core.dependencies import dependents, refuse_needed
    from ...lifecycle.core.emergency import refuse_removal
    from ...lifecycle.guard.waste import sweep

    refuse_removal(engine, record.name)
    others = dependents(engine, record.id) if arguments.depend else ()
    if not arguments.depend:
        refuse_needed(engine, record)  # before any container is stopped
    for one in (*others, record):
        if arguments.force:
            _stop(engine, one, arguments)
        remove(engine, one.id, with_volumes=arguments.volumes)
    sweep(engine)


def _wait(engine: Engine, record: ContainerRecord, arguments: argparse.Namespace) -> str:
    from ...lifecycle.container.wait import exit_code, wait, when

    words = tuple(arguments.condition or ("stopped",))
    timeout = float("inf") if arguments.timeout is None else arguments.timeout
    since = time.time_ns()
    look = wait(engine, record.id, when(words), timeout=timeout, what=f"become {' or '.join(words)}")
    if not {*words} & {"stopped", "exited", "removed"}:
        return str(_NO_CODE)
    code = exit_code(engine, record.id, look, since=since)
    if code is None:
        sys.stderr.write(f"slipway: the exit code of {record.name} is unknown\n")
    return str(_NO_CODE if code is None else code)


def _rename(engine: Engine, arguments: argparse.Namespace) -> None:
    from ...lifecycle.container.rename import rename

    rename(engine, find_typed(engine, arguments.name), arguments.new)


#: Verbs that end something: they open the engine themselves, because they must work on a full disk too.
_ENDING: tuple[Act, ...] = (_stop, _kill, _remove)
