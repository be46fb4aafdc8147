# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait for a time, or for a verb that makes the waiting pointless; no lock is held meanwhile.

Who waits to restart a container listens to a fifo in its run directory. A stop, start or removal writes a byte to it;
who waits then looks again, and finds in the record that nothing is left to do. A process that dies closes the fifo, so
whether somebody waits is never guessed from a pid.
"""

from __future__ import annotations

import errno
import os
import select
import time
from contextlib import suppress

from ...model.engine.layout import ContainerLayout

#: What poll(2) is given at most, in milliseconds; the longest wait for a restart is a minute.
_LONGEST = 600_000


class Waiter:
    """The fifo of a container, open: as long as it is, no other process waits."""

    def __init__(self, path: str) -> None:
        """Make it anew; the container's lock is held, and nobody listens."""
        self._path = path
        with suppress(FileNotFoundError):
            os.unlink(path)
        os.mkfifo(path, 0o600)
        # For writing too: with a reader alone, poll(2) tells of a hang-up from the first writer's end on.
        self._fd = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def wait(self, until: int) -> None:
        """Return at the time ``until`` (nanoseconds since the epoch), or when woken."""
        left = max(0, (until - time.time_ns()) // 1_000_000 + 1)
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        if poll.poll(min(left, _LONGEST)):
            os.read(self._fd, 64)

    def close(self) -> None:
        """Listen no more; the lock is held, so that whoever comes next finds nobody. A second call does nothing."""
        if self._fd < 0:
            return
        mine = os.fstat(self._fd)
        os.close(self._fd)
        self._fd = -1
        with suppress(FileNotFoundError):  # the container was removed meanwhile
            if os.path.samestat(mine, os.stat(self._path)):
                os.unlink(self._path)


def is_listened_to(container: ContainerLayout) -> bool:
    """Tell whether a living process waits to restart the container."""
    fd = _open(container)
    if fd is None:
        return False
    os.close(fd)
    return True


def wake(container: ContainerLayout) -> None:
    """Make the process that waits, if there is one, look at the record again, which is saved already."""
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
        if error.errno in (errno.ENXIO, errno.ENOENT):  # nobody reads it
            return None
        raise
