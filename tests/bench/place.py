# SPDX-License-Identifier: GPL-3.0-or-later
"""Give the benches directories of their own, and leave nothing behind, however they end."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from _engine.kernel import mounts, removal

#: On a disk, unlike what /tmp is on some hosts: that is where images and volumes are.
_DISK = "/var/tmp"
#: Short, since conmon makes sockets below it.
_PREFIX = "slipway-bench-"


@dataclass(frozen=True)
class Place:
    """A directory on a disk and one in memory, as an engine has them below /var/lib and /run."""

    disk: str
    run: str
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def fresh(self, name: str) -> str:
        """Make a new directory on the disk.

        Nothing is deleted before the end: ext4 takes up to seven times as long to fill a tree soon after one was deleted.
        """
        path = f"{self.disk}/{name}-{next(self._numbers)}"
        os.mkdir(path, 0o700)
        return path

    def settle(self) -> None:
        """Write out what earlier runs have left in memory, so that a run pays for its own writes only."""
        subprocess.run(["sync", "-f", self.disk], check=True)


@contextmanager
def workplace() -> Iterator[Place]:
    """Yield the place, and take it away at the end, also at Ctrl-C and TERM."""
    for signum in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, lambda number, _frame: sys.exit(128 + number))
    place = Place(tempfile.mkdtemp(prefix=_PREFIX, dir=_DISK), tempfile.mkdtemp(prefix=_PREFIX, dir="/run"))
    try:
        yield place
    finally:
        with undisturbed():
            for path in (place.disk, place.run):
                mounts.unmount_below(path)
                removal.remove_tree(path)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Hold off signals while something is cleaned up: a second Ctrl-C would leave the rest."""
    held = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, held)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
