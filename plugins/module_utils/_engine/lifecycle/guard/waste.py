# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove directories atomically, and sweep up what killed processes left."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ...errors import LockTimeout
from ...kernel import mountinfo, staging
from ...kernel.disk_full import NO_ROOM
from ...kernel.locks import lock
from ...kernel.removal import remove_tree
from ...model.values.names import is_id
from ...state import containers, networks
from ..core.engine import LAST, Engine


def throw_away(engine: Engine, path: str) -> None:
    """Move a directory to staging atomically, then delete it; a sweep deletes what a kill leaves."""
    try:
        with staging.staging(engine.layout.staging) as (stage, _fd), suppress(FileNotFoundError):
            os.rename(path, f"{stage}/trash")
    except OSError as error:
        if error.errno not in NO_ROOM or error.errno == errno.EROFS:
            raise
        remove_tree(path)  # deleting frees space


@contextmanager
def left_if_read_only() -> Iterator[None]:
    """Ignore that files on a read-only run root can't be deleted: a sweep or a reboot removes them."""
    try:
        yield
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise


def sweep(engine: Engine) -> None:
    """Delete the files of dead processes in staging and run root, and unmount volumes that are not in use."""
    staging.sweep(engine.layout.staging)
    _sweep_run(engine)
    _sweep_progress(engine.layout.all_progress)
    if mountinfo.below(os.path.realpath(engine.layout.volumes)):
        from ..resources.volume_mount import sweep_mounts

        sweep_mounts(engine)


def _sweep_run(engine: Engine) -> None:
    """Remove the run directories of removed containers; a container's row exists before its directory."""
    found = os.listdir(engine.layout.run_containers)
    with engine.database.reading() as connection:
        known = {*containers.names(connection).values()}
    for name in filter(is_id, {*found} - known):
        with left_if_read_only():
            remove_tree(engine.layout.container(name).run)


def _sweep_progress(directory: str) -> None:
    """Remove the progress files of killed tasks: those that no task has locked."""
    with suppress(FileNotFoundError):
        for name in os.listdir(directory):
            path = os.path.join(directory, name)
            with suppress(OSError), open(path, "rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(path)
        with suppress(OSError):  # another task's file is in it
            os.rmdir(directory)


def sweep_locks(engine: Engine) -> None:
    """Remove orphaned lock files: a kill at the very end of a removal or a refresh leaves them."""
    with engine.database.reading() as connection:
        known = {
            "container": {*containers.names(connection).values()},
            "network": {*(one.name for one in networks.all(connection))},
        }
    for name in os.listdir(engine.layout.locks):
        kind, _dash, about = name.removesuffix(".lock").partition("-")
        if kind == "engine" or about not in known.get(kind, {about}):
            path = engine.layout.lock(kind, about)
            # A process that holds the lock, or waits for it, removes the file itself.
            with suppress(LockTimeout, FileNotFoundError), lock(path, timeout=0, what="sweep", rank=LAST):
                os.unlink(path)
