# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotation of a container's log, by a process that lives as long as its conmon and sleeps between writes.

Only for a container that keeps several files (``log_opt.max_file``): conmon itself can only truncate its single file,
losing the content. The log may exceed its limit by what is written during the pause and the rotation.
"""

from __future__ import annotations

import fcntl
import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ...kernel import command, libc
from ...kernel.inotify import Watch
from ...kernel.process import Process
from ...model.engine.record import ContainerRecord
from ...runtime import rotation
from ...state import containers
from ...systemd import scope, service
from ..core.engine import Engine
from ..core.logpath import log_path

#: Seconds between two checks of a log that is being written, so that a busy container does not wake us at each line.
_PAUSE = 0.1


def keeps_files(record: ContainerRecord) -> int:
    """Return how many log files the container keeps; below 2 there is nothing to rotate."""
    return int((record.spec.log_opt or {}).get("max_file", 0))


def launch(engine: Engine, record: ContainerRecord) -> None:
    """Start the rotation process for a conmon that was just started; it outlives the calling session."""
    program = engine.layout.agent_program
    if keeps_files(record) < 2 or not os.path.exists(program):
        return
    argv = [program, "rotate", record.id]
    # After a restart, the unit's name is taken until the previous conmon's process exits.
    if scope.is_running() and service.start(f"slipway-logs-{record.id[:12]}.service", argv):
        return
    command.detach(argv)


def serve(engine: Engine, container_id: str) -> None:
    """Rotate until conmon exits; return at once if another process already rotates this log."""
    with engine.database.reading() as connection:
        record = containers.get(connection, container_id)
    if record is None or record.monitor is None or keeps_files(record) < 2:
        return
    engine.database.close()  # a process that lives as long as the container must not hold the database open
    monitor = Process(*record.monitor)
    try:
        pidfd = os.pidfd_open(monitor.pid)
    except ProcessLookupError:
        return
    try:
        _serve(engine, record, monitor, pidfd)
    finally:
        os.close(pidfd)


def _serve(engine: Engine, record: ContainerRecord, monitor: Process, pidfd: int) -> None:
    container, path = engine.layout.container(record.id), log_path(engine, record)
    most = int((record.spec.log_opt or {})["max_size"])
    with _alone(f"{container.run}/rotation") as alone, Watch() as watch:
        if not alone:
            return
        watch.add(os.path.dirname(path), libc.IN_MODIFY)
        while True:
            if rotation.is_full(path, most):
                rotation.rotate(
                    path, f"{container.bundle}/ctl", keep=keeps_files(record), lives=monitor.alive
                )
            if not monitor.alive():
                return
            watch.wait(math.inf, pidfd)
            time.sleep(_PAUSE)


@contextmanager
def _alone(path: str) -> Iterator[bool]:
    """Try to take the lock of the container's rotation process; yield whether it is held."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(fd)
