# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the host's health checker: one process per engine, which is restarted when killed.

The checks run in a child, and either process survives the other's death. When both are killed, the next start, change or
exit of a container with a check starts them again.
"""

from __future__ import annotations

import fcntl
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from ...model.engine.layout import Layout
from ...runtime.healthsocket import EVERYTHING, send
from ..host.opening import open_engine
from .runner import Runner

#: Seconds to wait for a predecessor that is exiting.
_PATIENCE = 20.0
_PAUSE = 0.05
#: Seconds before a failed child is started again: the first delay, and the longest.
_SHORT, _LONG = 0.5, 60.0
#: Exit code of a child that yields to a newer agent.
_NEWER = 75


def serve(layout: Layout, program: str, *, alone: bool) -> None:
    """Run checks until no container needs them.

    ``program`` is the agent. With ``alone`` there is no child: a service manager restarts this process when it is killed.
    """
    with _held(layout) as held:
        if not held:
            return
        code = _work(layout, program) if alone else _guard(layout, program)
    if code == _NEWER:
        os.execv(program, [program, "health", *(["--alone"] if alone else [])])  # noqa: S606


def _work(layout: Layout, program: str) -> int:
    with open_engine(layout.root, layout.run_root, known_alone=True) as engine:
        return _NEWER if Runner(engine, program).run() else 0


@contextmanager
def _held(layout: Layout) -> Iterator[bool]:
    """Hold the checker's lock; yield False when another checker serves already, or the engine is gone."""
    fd = _acquire(layout)
    try:
        yield fd is not None
    finally:
        if fd is not None:
            with suppress(FileNotFoundError):
                os.unlink(layout.health_lock)
            os.close(fd)


def _acquire(layout: Layout) -> int | None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        try:
            fd = os.open(layout.health_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            return None
        if _lock(fd) and _is_at(layout.health_lock, fd):
            return fd
        os.close(fd)
        # The holder either receives this, or is exiting.
        if send(layout, EVERYTHING):
            return None
        time.sleep(_PAUSE)
    return None


def _lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(path: str, fd: int) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), os.stat(path))
    except FileNotFoundError:
        return False


def _guard(layout: Layout, program: str) -> int:
    """Run the checks in a child, restart it when it fails, and return its exit code when it is done."""
    pause = 0.0
    while True:
        begun, guard = time.monotonic(), os.getpid()
        child = os.fork()
        if child == 0:
            _run_child(layout, program, guard)
        state = _wait(child)
        if os.WIFEXITED(state) and os.WEXITSTATUS(state) in (0, _NEWER):
            return os.WEXITSTATUS(state)
        pause = 0.0 if time.monotonic() - begun > _LONG else min(_LONG, 2 * pause or _SHORT)
        time.sleep(pause)


def _run_child(layout: Layout, program: str, guard: int) -> None:
    code = 1
    try:
        code = _work(layout, program)
        if os.getppid() != guard:  # the guard was killed, so its clean-up falls to us
            with suppress(FileNotFoundError):
                os.unlink(layout.health_lock)
            if code == _NEWER:
                os.execv(program, [program, "health"])  # noqa: S606
    finally:
        os._exit(code)  # skip the parent's clean-up, which releases the lock: the parent still holds it


def _wait(child: int) -> int:
    """Wait for the child and return its wait status; pass SIGTERM on to it."""

    def end(signum: int, _frame: FrameType | None) -> None:
        with suppress(ProcessLookupError):
            os.kill(child, signum)
        os._exit(128 + signum)

    signal.signal(signal.SIGTERM, end)
    return os.waitpid(child, 0)[1]
