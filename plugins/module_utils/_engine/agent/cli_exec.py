# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway exec``: run a command in a running container, with the terminal and streams of whoever calls it."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from types import FrameType
from typing import Any

from ..errors import EngineError, InvalidOption, RuntimeFailed
from ..lifecycle.engine import Engine
from ..lifecycle.named import find_typed
from ..model.execution import ExecSpec
from ..runtime import execs
from . import output

#: Handed on to the command, so that whoever ends us ends it.
_HANDED_ON = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


def add(verbs: Any) -> None:
    """Add the verb; options are those of podman-exec(1)."""
    text = "run a command in a running container"
    parser = verbs.add_parser("exec", help=text, description=text)
    parser.add_argument("--detach", "-d", action="store_true", help="do not wait; print the session's id")
    parser.add_argument(
        "--env", "-e", action="append", default=[], metavar="NAME=VALUE", help="set a variable"
    )
    parser.add_argument("--interactive", "-i", action="store_true", help="hand on the standard input")
    parser.add_argument("--privileged", action="store_true", help="with all capabilities of the host")
    parser.add_argument("--tty", "-t", action="store_true", help="on a terminal")
    parser.add_argument("--user", "-u", metavar="USER[:GROUP]", help="as this user")
    parser.add_argument("--workdir", "-w", metavar="DIR", help="in this directory")
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND")
    parser.set_defaults(verb=_exec, acts=True)


def _exec(engine: Engine, arguments: argparse.Namespace) -> int:
    """Run it; return its exit code, 126 or 127 when it could not be started, 125 for our own errors (podman-exec(1))."""
    if arguments.tty and not (arguments.detach or sys.stdin.isatty()):
        raise EngineError(
            "--tty: this is no terminal", remedy="Leave it out where a program reads the output"
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
    except RuntimeFailed as error:
        # The runtime has said it already where the command has our stderr.
        if arguments.detach:
            output.complain(error, arguments.flags)
        code = error.fields.get("rc")
        return code if isinstance(code, int) else execs.ENGINE_FAILED


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise InvalidOption("--env", text, "is no variable", remedy="Write NAME=VALUE")
    return name, value


def _detach(engine: Engine, name: str, spec: ExecSpec) -> int:
    from ..lifecycle.exec_detached import detach

    # The agent calls itself at the end, by the path that stays over upgrades.
    program = f"{engine.layout.agent}/current/slipway"
    sys.stdout.write(detach(engine, name, spec, (program, "cleanup", "--exec")) + "\n")
    return 0


def _attach(engine: Engine, name: str, arguments: argparse.Namespace, spec: ExecSpec) -> int:
    from ..lifecycle.exec import Prepared, attended

    def run(prepared: Prepared) -> int:
        session = prepared.session
        stdin = None if arguments.interactive or spec.tty else subprocess.DEVNULL
        argv = execs.arguments(prepared.runtime, session.container_id, prepared.files)
        code = _wait(subprocess.Popen(argv, stdin=stdin))
        execs.check(prepared.runtime, session.container_id, prepared.files, code)
        return code

    return attended(engine, name, spec, run, code=int)[1]


def _wait(process: subprocess.Popen[bytes]) -> int:
    """Wait for the runtime; what ends a program goes to it, and it hands it on."""

    def hand_on(signum: int, _frame: FrameType | None) -> None:
        process.send_signal(signum)

    def ignore(_signum: int, _frame: FrameType | None) -> None:
        """Let the command see Ctrl-C by itself: it is in the terminal's foreground as we are."""

    before = {signum: signal.signal(signum, hand_on) for signum in _HANDED_ON}
    before[signal.SIGINT] = signal.signal(signal.SIGINT, ignore)
    try:
        return process.wait()
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
