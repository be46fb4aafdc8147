# SPDX-License-Identifier: GPL-3.0-or-later
"""The program ``slipway``: the cleanup command that conmon runs at a container's exit, and the host's CLI.

Verbs that programs call bypass the argument parser and import only what they need: ``cleanup`` runs at every exit,
``connect`` at every command of a play.
"""

from __future__ import annotations

import os
import sys

from ..errors import EngineError, NotFound
from ..kernel.files import usual_umask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..lifecycle.core.engine import Engine


def main(argv: list[str], *, root: str, run_root: str) -> int:
    """Run one verb; return 0, 125 for an error of the engine (as podman does), or 2 for wrong arguments."""
    usual_umask()
    try:
        if argv and argv[0] in _SHORT:
            return _SHORT[argv[0]](argv[1:], root, run_root)
        import signal

        # During imports, Python's own handler may raise in a callback, where the exception is dropped and Ctrl-C is lost.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        from .verbs.dispatch import run

        return run(argv, root, run_root)
    except (EngineError, OSError) as error:
        if isinstance(error, BrokenPipeError):  # the reader (head, less) has closed the pipe
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        from .cli.output import complain

        complain(error, ())
        return 125
    except KeyboardInterrupt:
        return 130


def _cleanup(argv: list[str], root: str, run_root: str) -> int:
    """Clean up after a container's exit; ``--keep`` leaves restart and removal to the waiting task."""
    from ..model.engine.layout import Layout
    from .settled import nothing_is_left

    if argv[:1] == ["--exec"]:
        return _cleanup_exec(argv[1:], root, run_root)
    keep, names = "--keep" in argv, [word for word in argv if word != "--keep"]
    if len(names) != 1:
        sys.stderr.write("usage: slipway cleanup [--keep] ID\n")
        return 2
    if nothing_is_left(Layout(root, run_root), names[0]):
        return 0
    from ..lifecycle.container.exited import exited
    from ..lifecycle.core.emergency import ended
    from ..lifecycle.host.opening import open_engine

    def clean_up(engine: Engine) -> None:
        exited(engine, names[0], (engine.layout.agent_program, "cleanup"), keep=keep)
        for error in engine.warned:
            sys.stderr.write(f"slipway: {error}\n")

    _done, warning = ended(
        lambda: open_engine(root, run_root, known_alone=True),
        Layout(root, run_root),
        clean_up,
        removes=False,
    )
    sys.stderr.write(f"slipway: {warning}\n" if warning else "")
    return 0


def _cleanup_exec(argv: list[str], root: str, run_root: str) -> int:
    """Clean up a detached exec session that has exited."""
    from ..lifecycle.exec.detached import ended
    from ..lifecycle.guard.hold import hold
    from ..lifecycle.host.opening import open_engine

    session_id, container_id = argv
    with open_engine(root, run_root, known_alone=True) as engine:
        try:
            with hold(engine, container_id, "cleanup") as record:
                ended(engine, record, session_id)
        except NotFound:  # the container was removed meanwhile, and its session with it
            pass
    return 0


def _health(argv: list[str], root: str, run_root: str) -> int:
    """Run the host's health checker, or (``--act ACTION ID``) carry out the action that a check requires."""
    from ..model.engine.layout import Layout

    layout = Layout(root, run_root)
    if argv[:1] == ["--act"]:
        from ..lifecycle.health.health import act
        from ..lifecycle.host.opening import open_engine

        with open_engine(root, run_root, known_alone=True) as engine:
            act(engine, argv[2], argv[1], (layout.agent_program, "cleanup"))
        return 0
    from ..lifecycle.health.process import serve

    serve(layout, layout.agent_program, alone="--alone" in argv)
    return 0


def _rotate(argv: list[str], root: str, run_root: str) -> int:
    """Run the process that rotates a container's log."""
    from ..lifecycle.container.log_rotation import serve
    from ..lifecycle.host.opening import open_engine

    with open_engine(root, run_root, known_alone=True) as engine:
        serve(engine, argv[0])
    return 0


def _thaw(argv: list[str], root: str, run_root: str) -> int:
    """Thaw containers that a task froze, once the task has died without thawing them."""
    from ..lifecycle.guard.freeze_for_snapshot import watch
    from ..lifecycle.host.opening import open_engine

    sys.stdin.read()
    with open_engine(root, run_root, known_alone=True) as engine:
        watch(engine, argv)
    return 0


def _connect(_argv: list[str], root: str, run_root: str) -> int:
    """Run a command of a play in a container, or transfer a file; never returns, to skip a slow shutdown."""
    from .connect.main import connect

    os._exit(connect(root, run_root))


#: Verbs that programs call, which bypass the argument parser.
_SHORT = {
    "cleanup": _cleanup,
    "connect": _connect,
    "health": _health,
    "rotate": _rotate,
    "let-go": _thaw,
}
