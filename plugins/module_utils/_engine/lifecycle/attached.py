# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait for a container that a task runs in the foreground (``detach: false``), and collect what it said."""

from __future__ import annotations

from typing import Any

from ..kernel.process import Process
from ..model.record import ContainerRecord
from ..runtime import logs
from .cleanup import cleanup
from .engine import Engine
from .hold import hold
from .remove import remove_held
from .stop import FOREVER


def wait(engine: Engine, container_id: str, *, since: int) -> tuple[ContainerRecord | None, dict[str, Any]]:
    """Wait until the container has ended, clean up, and return its record (None when ``rm`` removed it) and rc and output.

    ``since``: the time before its start, in nanoseconds since the epoch; the log may hold earlier runs.
    The exit code and the log are read before anything is removed (pain 18). No lock is held while waiting.
    """
    with hold(engine, container_id, "wait") as record:
        process = record.process
    if process is not None:
        with engine.timings.of("wait"):
            Process(process.pid, process.start_time).wait_gone(FOREVER)
    with hold(engine, container_id, "wait") as record:
        ended = cleanup(engine, record)
        stdout, stderr = logs.streams(log_path(engine, ended), since=since)
        said = {"rc": ended.exit_code, "stdout": stdout, "stderr": stderr}
        if not ended.spec.rm:
            return ended, said
        remove_held(engine, ended, with_volumes=True)
        return None, said


def log_path(engine: Engine, record: ContainerRecord) -> str:
    """Return where conmon writes the container's log."""
    return (record.spec.log_opt or {}).get("path", engine.layout.container(record.id).log)
