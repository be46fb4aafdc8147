# SPDX-License-Identifier: GPL-3.0-or-later
"""Check, before the engine is imported, whether a container's exit needs no cleanup.

A task that stops or restarts a container cleans up itself, and conmon runs this program at the same moment. Importing the
engine only to find nothing to do would take CPU time from that task.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from ..model.engine.layout import Layout
from ..state.settled import is_settled

_ID_LENGTH, _HEX = 64, frozenset("0123456789abcdef")


def nothing_is_left(layout: Layout, container_id: str) -> bool:
    """Return whether a container's exit needs no cleanup; waits for the holder of the container's lock.

    Returns False in case of doubt.
    """
    if len(container_id) != _ID_LENGTH or not _HEX.issuperset(container_id):
        return False
    try:
        with _held(layout.lock("container", container_id)):
            return is_settled(layout.database, container_id)
    except OSError:
        return False


@contextmanager
def _held(path: str) -> Iterator[None]:
    """Hold the lock, shared; a missing lock file is not created, because its container has been removed."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        yield
        return
    try:
        fcntl.flock(fd, fcntl.LOCK_SH)
        yield
    finally:
        os.close(fd)
