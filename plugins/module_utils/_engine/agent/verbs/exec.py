# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway exec``: run a command in a running container, on the caller's terminal and streams."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any, Union

from ...errors import EngineError, InvalidOption, RuntimeFailed
from ...kernel.reaper import Adopting
from ...lifecycle.core.engine import Engine
from ...lifecycle.core.lookup import find_typed
from ...model.container.execution import ExecSpec
from ...runtime.exec import execs
from ..cli import output

if TYPE_CHECKING:
    from ...lifecycle.exec.exec import Prepared
    from ...runtime.exec.child import ExecChild

    _Process = Union[subprocess.Popen[bytes], ExecChild]

#: Forwarded to the command, so that a signal that ends this program ends the command.
_FORWARDED = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


def add(verbs: Any) -> None:
    """Add the verb; options are those of podman-exec(1)."""
    text = "run a command in a running container"
    parser = verbs.add_parser("exec", help=text, description=text)
    parser.add_argument("--detach", "-d", action="store_true", help="do not wait; print the session id")
    parser.add_argument(
        "--env", "-e", action="append", default=[], metavar="NAME=VALUE", help="set an environment variable"
    )
    parser.add_argument("--interactive", "-i", action="store_true", help="forward the standard input")
    parser.add_argument("--privileged", action="store_true", help="grant all capabilities of the host")
    parser.add_argument("--tty", "-t", action="store_true", help="allocate a terminal")
    parser.add_argument("--user", "-u", metavar="USER[:GROUP]", help="run as this user")
    parser.add_argument("--workdir", "-w", metavar="DIR", help="working directory in the container")
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND")
    parser.set_defaults(verb=_exec, acts=True, hands_on_signals=True)


def _exec(engine: Engine, arguments: argparse.Namespace) -> int:
    """Run it; return its exit code, 126 or 127 if it cannot start, 125 for engine errors (podman-exec(1))."""
    if arguments.tty and not (arguments.detach or sys.stdin.isatty()):
        raise EngineError(
            "--tty: the standard input is not a terminal", remedy="Omit it if a program reads the output"
        )
    spec = ExecSpec.parse(
        {
            "argv": arguments.command,
            "env": dict(_variable(text) for text in arguments.env),
            "user": arguments.user,
            "workdir": arguments.workdir,
            "privileged": arguments.privileged,
            "tty": arguments.tty and not arguments.detach,
        }
    )
    try:
        name = find_typed(engine, arguments.name).name
        return _detach(engine, name, spec) if arguments.detach else _attach(engine, name, arguments, spec)
    except InvalidOption as error:
        code = error.fields.get("rc")
        if not isinstance(code, int):
            raise
        output.complain(error, arguments.flags)
        return code
    except RuntimeFailed as error:
        # An attached command has our stderr, on which the runtime has already reported the error.
        if arguments.detach:
            output.complain(error, arguments.flags)
        code = error.fields.get("rc")
        return code if isinstance(code, int) else execs.ENGINE_FAILED


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise InvalidOption("--env", text, "is not an environment variable", remedy="Write NAME=VALUE")
    return name, value


def _detach(engine: Engine, name: str, spec: ExecSpec) -> int:
    from ...lifecycle.exec.detached import detach

    # conmon runs this agent at the exit, by the path that survives upgrades.
    program = f"{engine.layout.agent}/current/slipway"
    sys.stdout.write(detach(engine, name, spec, (program, "cleanup", "--exec")) + "\n")
    return 0


def _attach(engine: Engine, name: str, arguments: argparse.Namespace, spec: ExecSpec) -> int:
    from ...lifecycle.exec.exec import attended

    def run(prepared: Prepared) -> int:
        if spec.tty:
            return _on_our_terminal(prepared)
        with Adopting():
            return _relayed(prepared, interactive=arguments.interactive)

    return attended(engine, name, spec, run, code=int)[1]


def _on_our_terminal(prepared: Prepared) -> int:
    """Run the command on our terminal; the runtime stays, and relays terminal input and output."""
    container_id = prepared.session.container_id
    argv = execs.arguments(prepared.runtime, container_id, prepared.files)
    with _forwarding() as forward_to, subprocess.Popen(argv) as process:
        forward_to(process)
        code = process.wait()
    execs.check(prepared.runtime, container_id, prepared.files, code)
    return code


def _relayed(prepared: Prepared, *, interactive: bool) -> int:
    """Run the command with pipes to our streams; its children may keep the pipes open after its exit."""
    from ...runtime.exec.child import ExecChild
    from ...runtime.exec.relay import Relay

    with _forwarding(signal.SIGINT) as forward_to:
        child = ExecChild(prepared.runtime, prepared.session.container_id, prepared.files, stdin=interactive)
        forward_to(child)
        Relay(
            *child.take_pipes(),
            pidfd=child.watched(),
            has_ended=lambda: child.poll() is not None,
            left=lambda: None,
        ).until_its_end()
        code = child.wait()
        child.check()
    return code


@contextmanager
def _forwarding(*more: signal.Signals) -> Iterator[Callable[[_Process], None]]:
    """Forward ending signals to the process passed to the yielded function; earlier signals are queued."""
    process: list[_Process] = []
    early: list[int] = []

    def forward(signum: int, _frame: FrameType | None) -> None:
        if process:
            process[0].send_signal(signum)
        else:
            early.append(signum)

    def forward_to(started: _Process) -> None:
        process.append(started)
        for signum in early:
            started.send_signal(signum)

    def ignore(_signum: int, _frame: FrameType | None) -> None:
        """Ignore Ctrl-C: the command gets it itself, being in the terminal's foreground process group."""

    handlers = {signal.SIGINT: ignore, **dict.fromkeys((*_FORWARDED, *more), forward)}
    before = {signum: signal.signal(signum, handler) for signum, handler in handlers.items()}
    try:
        yield forward_to
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
