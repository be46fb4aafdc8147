# SPDX-License-Identifier: GPL-3.0-or-later
"""Find out, before the engine is imported, that the end of a container needs nothing more.

Who stops or restarts a container sees to its end itself, and conmon calls the program in the same moment: importing the
engine, only to learn that nothing is left, would take a processor from the task that goes on.
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
    """Tell whether nothing is to be done after the end of a container; waits for who holds its lock.

    False in any doubt.
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
    """Hold the lock beside others who only look; a file that is not there is not made, since its container has gone."""
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
