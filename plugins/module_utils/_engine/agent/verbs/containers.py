# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs of ``slipway`` that change containers, with podman's options, output and exit codes.

Each goes on through errors and tells all of them: 125 for the engine's, and of ``rm`` 1 for a container that is not there
and 2 for one that runs (podman-rm(1)).
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
#: What podman prints where there is no exit code.
_NO_CODE = -1

#: Does it to one container; returns what is printed, None for the name as it was written.
Act = Callable[[Engine, ContainerRecord, argparse.Namespace], "str | None"]


def add(verbs: Any) -> None:
    """Add the verbs."""
    stopped = status.STARTABLE
    add_verb(verbs, "start", _start, "start containers as they were asked for the last time", stopped)
    _timed(add_verb(verbs, "stop", _stop, "stop containers: stop signal, time, KILL", status.ALIVE))
    _timed(add_verb(verbs, "restart", _restart, "stop containers and start them", status.ALIVE))
    add_verb(verbs, "pause", _pause, "freeze all processes of containers", {status.RUNNING})
    add_verb(verbs, "unpause", _unpause, "let paused containers go on", {status.PAUSED})
    parser = add_verb(verbs, "kill", _kill, "send containers a signal", status.ALIVE)
    parser.add_argument("--signal", "-s", default="KILL", help="its name or number (%(default)s)")
    parser.set_defaults(check=_check_signal)
    _add_rm(verbs)
    _add_wait(verbs)
    _add_rename(verbs)


def add_verb(verbs: Any, name: str, act: Act, text: str, of_all: frozenset[str] | set[str]) -> Any:
    """Add a verb for any number of containers; ``of_all``: the states of those that ``--all`` means."""
    parser = verbs.add_parser(name, help=text, description=text)
    parser.add_argument("names", nargs="*", metavar="NAME", help="name, id or the beginning of an id")
    parser.add_argument("--all", "-a", action="store_true", help="all that the verb is for")
    ends = act in (_stop, _kill, _remove, _wait)
    parser.set_defaults(verb=_each, act=act, of_all=of_all, acts=act not in _ENDING, ends=ends)
    return parser


def _timed(parser: Any) -> None:
    parser.add_argument(
        "--time", "-t", "--timeout", type=int, metavar="SECONDS", help="until KILL, -1 for no end"
    )


def _add_rm(verbs: Any) -> None:
    parser = add_verb(verbs, "rm", _remove, "remove containers", frozenset(status.MOVES))
    parser.add_argument(
        "--force", "-f", action="store_true", help="also those that run, after a stop; none there is no error"
    )
    parser.add_argument("--depend", action="store_true", help="those as well that need them")
    parser.add_argument("--ignore", "-i", action="store_true", help="one that is not there is no error")
    parser.add_argument("--volumes", "-v", action="store_true", help="their anonymous volumes too")
    _timed(parser)


def _add_wait(verbs: Any) -> None:
    from ...lifecycle.container.wait import WORDS

    parser = add_verb(verbs, "wait", _wait, "wait for containers, and print their exit codes", status.ALIVE)
    parser.add_argument(
        "--condition",
        action="append",
        choices=WORDS,
        metavar="WORD",
        help=f"what to wait for, any of several (stopped): {', '.join(WORDS)}",
    )
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help="give up then")


def _add_rename(verbs: Any) -> None:
    text = "give a container another name"
    parser = verbs.add_parser("rename", help=text, description=text)
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("new", metavar="NEW", help="its new name")
    parser.set_defaults(verb=_rename, acts=True)


# -- carrying out ----------------------------------------------------------------------------------


def _each(engine: Engine, arguments: argparse.Namespace) -> int:
    """Do it to each container, and return the first failure's exit code."""
    if bool(arguments.names) == arguments.all:
        raise EngineError("write the names of containers, or --all")
    if hasattr(arguments, "check"):  # of an option's value, whatever is named
        arguments.check(arguments)
    codes = [_one(engine, name, arguments) for name in arguments.names or _all(engine, arguments)]
    return next(filter(None, codes), 0)


def records_in(engine: Engine, states: frozenset[str] | set[str]) -> list[ContainerRecord]:
    """Return the containers that are in one of these states now."""
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
    """Do it, also where the disk takes nothing more, if it ends something; ``engine`` is only for looking then."""

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
    # So does podman's rm --force: what is not there is removed.
    return arguments.act is _remove and (arguments.ignore or arguments.force)


def _code(error: EngineError | OSError, act: Act) -> int:
    if act is _remove and isinstance(error, EngineError):
        return {"not_found": NOT_THERE, "wrong_state": RUNNING}.get(error.code, FAILED)
    return FAILED


# -- the verbs -------------------------------------------------------------------------------------


def exit_command(engine: Engine) -> tuple[str, ...]:
    """Return what conmon calls at the end: this very program, by the path that stays over upgrades."""
    return engine.layout.agent_program, "cleanup"


def _start(engine: Engine, record: ContainerRecord, _arguments: argparse.Namespace) -> None:
    from ...lifecycle.container.start_existing import start_again
    from ...lifecycle.core.dependencies import refuse_stuck, to_start

    needed = to_start(engine, record, None)
    refuse_stuck(record.name, needed)
    for one in (*needed, record):
        _tell_of_lost(engine, one)
        start_again(engine, one.id, exit_command(engine))


def _tell_of_lost(engine: Engine, record: ContainerRecord) -> None:
    from ...lifecycle.volume.lost_data import lost_volumes

    for warning in lost_volumes(engine, record.volumes.values()):
        sys.stderr.write(f"slipway: {warning}\n")


def _stop(engine: Engine, record: ContainerRecord, arguments: argparse.Namespace) -> None:
    from ...lifecycle.container.stop import stop
    from ...lifecycle.core.origin import source_of

    stop(engine, record.id, source_of(engine, record).config, timeout=arguments.time)


def _restart(engine: Engine, record: ContainerRecord, arguments: argparse.Namespace) -> None:
    from ...lifecycle.container.restart import restart

    _tell_of_lost(engine, record)
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
        refuse_needed(engine, record)  # before anything is stopped
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


#: Verbs that end something: they open the engine themselves, for they work on a full disk as well.
_ENDING: tuple[Act, ...] = (_stop, _kill, _remove)
