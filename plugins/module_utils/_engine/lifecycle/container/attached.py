# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait for a container that a task runs in the foreground (``detach: false``), and collect its output."""

from __future__ import annotations

from typing import Any

from ...kernel.process import Process
from ...model.engine.record import ContainerRecord
from ..core.engine import Engine
from ..core.logpath import log_of
from ..guard.hold import hold
from .exited import after_end
from .remove import remove_held
from .stop import FOREVER


def wait(
    engine: Engine, container_id: str, command: tuple[str, ...], *, since: int
) -> tuple[ContainerRecord | None, dict[str, Any]]:
    """Wait until the container has exited, clean up, and return its record, rc and output.

    The record is None if ``rm`` removed the container. ``since`` is a time before its start, in nanoseconds since the epoch;
    the log may contain earlier runs. The exit code and the log are read before anything is removed (pain 18). No lock is
    held while waiting. Restarts by its policy are carried out here, with ``command`` as conmon's exit command; the result
    is that of the last run.
    """
    with engine.timings.of("wait"):
        while _wait_once(engine, container_id):
            from .restart_policy import carry_out

            carry_out(engine, container_id, command)
    with hold(engine, container_id, "wait") as record:
        ended = after_end(engine, record)
        stdout, stderr = log_of(engine, ended).streams(since=since)
        said = {"rc": ended.exit_code, "stdout": stdout, "stderr": stderr}
        if not ended.spec.rm:
            return ended, said
        remove_held(engine, ended, with_volumes=True)
        return None, said


def _wait_once(engine: Engine, container_id: str) -> bool:
    """Wait until a run has exited; return whether the container must be restarted."""
    with hold(engine, container_id, "wait") as record:
        process = record.process
    if process is not None:
        Process(process.pid, process.start_time).wait_gone(FOREVER)
    with hold(engine, container_id, "wait") as record:
        return after_end(engine, record).restart_at is not None
