# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait for a time, or for a verb that makes the wait pointless; no lock is held meanwhile.

A process that waits to restart a container reads a FIFO in its run directory. A stop, start or removal writes a byte to
it; the waiting process then reads the record again and finds nothing left to do. A process that dies closes the FIFO, so
whether one waits is never guessed from a pid.
"""

from __future__ import annotations

import errno
import os
import select
import time
from contextlib import suppress

from ...model.engine.layout import ContainerLayout

#: The longest timeout for poll(2), in milliseconds; the longest wait for a restart is a minute.
_LONGEST = 600_000


class Waiter:
    """The open FIFO of a container: while it is open, no other process waits."""

    def __init__(self, path: str) -> None:
        """Replace the FIFO; the container's lock is held, and no process reads it."""
        self._path = path
        with suppress(FileNotFoundError):
            os.unlink(path)
        os.mkfifo(path, 0o600)
        # Also for writing: else poll(2) reports a hang-up from the first writer's close on.
        self._fd = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def wait(self, until: int) -> None:
        """Return at the time ``until`` (nanoseconds since the epoch), or when woken."""
        left = max(0, (until - time.time_ns()) // 1_000_000 + 1)
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        if poll.poll(min(left, _LONGEST)):
            os.read(self._fd, 64)

    def close(self) -> None:
        """Close and remove the FIFO, so that no waiter is found; the lock is held. Idempotent."""
        if self._fd < 0:
            return
        mine = os.fstat(self._fd)
        os.close(self._fd)
        self._fd = -1
        with suppress(FileNotFoundError):  # the container was removed meanwhile
            if os.path.samestat(mine, os.stat(self._path)):
                os.unlink(self._path)


def is_listened_to(container: ContainerLayout) -> bool:
    """Return whether a living process waits to restart the container."""
    fd = _open(container)
    if fd is None:
        return False
    os.close(fd)
    return True


def wake(container: ContainerLayout) -> None:
    """Wake the waiting process, if any, so that it reads the record, which is already saved."""
    fd = _open(container)
    if fd is not None:
        try:
            with suppress(BlockingIOError, BrokenPipeError):
                os.write(fd, b"\0")
        finally:
            os.close(fd)


def _open(container: ContainerLayout) -> int | None:
    try:
        return os.open(container.restart_fifo, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.ENXIO, errno.ENOENT):  # no process reads it
            return None
        raise
