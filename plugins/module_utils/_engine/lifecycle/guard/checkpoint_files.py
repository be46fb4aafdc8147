# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a container's checkpoint: complete them, rename them into place, recover from a kill.

The record says whether there is one. While it is written, its images are in a directory with another name, which exists
before the intent is saved: if it is gone, it was renamed into place.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress

from ...errors import EngineError
from ...kernel import files, libc
from ...kernel.cgroup import freezer
from ...kernel.process import Process, find_by_argument
from ...kernel.removal import remove_tree
from ...model.container import status
from ...model.engine.layout import ContainerLayout
from ...model.engine.record import ContainerRecord
from ...rootfs import shm
from ...runtime import criu
from ..core.engine import Engine
from ..core.facts import save, sync
from ..core.runtime import runtime_of
from .cleanup import cleanup, release

CHECKPOINT = "checkpoint"
#: The directory with the content of the container's own /dev/shm, among CRIU's images, which do not include it.
SHM = "devshm"
#: Seconds to wait for a runtime that still writes an orphaned checkpoint, and must not be interrupted.
_PATIENCE = 3600.0
#: Seconds to wait for processes that CRIU killed: it does not wait for their exit.
DYING = 5.0


def begin(container: ContainerLayout) -> None:
    """Create the directory to which the images are written."""
    remove_tree(container.new_checkpoint)
    files.make_private(container.new_checkpoint)


def give_up(container: ContainerLayout) -> None:
    """Remove the incomplete checkpoint."""
    remove_tree(container.new_checkpoint)


def put_in_place(container: ContainerLayout) -> None:
    """Make the written images the container's checkpoint, durably; do nothing if they already are."""
    if not os.path.isdir(container.new_checkpoint):
        return
    if shm.is_mounted(container):
        _keep_shm(container)
    with files.directory(container.new_checkpoint) as made:
        libc.syncfs(made)
    remove_tree(container.checkpoint)
    os.rename(container.new_checkpoint, container.checkpoint)
    files.fsync_directory(container.bundle)


def _keep_shm(container: ContainerLayout) -> None:
    kept = f"{container.new_checkpoint}/{SHM}"
    remove_tree(kept)
    files.make_private(kept)
    _copy(container.shm, kept)


def fill_shm(container: ContainerLayout) -> None:
    """Restore the content of /dev/shm, if it is the container's own."""
    kept = f"{container.checkpoint}/{SHM}"
    if shm.is_mounted(container) and os.path.isdir(kept):
        _copy(kept, container.shm)


def give_to(container: ContainerLayout, owner: tuple[int, int]) -> None:
    """Give the images to the root of a user namespace, with whose rights CRIU reads them."""
    for path in (container.checkpoint, *(entry.path for entry in os.scandir(container.checkpoint))):
        os.chown(path, *owner, follow_symlinks=False)


def _copy(source: str, target: str) -> None:
    from ...trees.copy import copy_tree

    with files.directory(source) as from_, files.directory(target) as into:
        copy_tree(from_, into)


def forget(container: ContainerLayout) -> None:
    """Remove the checkpoint, which the record no longer mentions, and the logs."""
    remove_tree(container.checkpoint)
    forget_logs(container)


def forget_logs(container: ContainerLayout) -> None:
    """Remove CRIU's logs and statistics."""
    work = container.bundle
    for path in (
        container.checkpoint_log,
        container.restore_log,
        f"{work}/stats-dump",
        f"{work}/stats-restore",
    ):
        with suppress(FileNotFoundError):
            os.unlink(path)


def settle(engine: Engine, record: ContainerRecord) -> ContainerRecord:
    """Record that the container exited into its checkpoint, now in place, and clean up; the lock is held."""
    now = time.time_ns()
    record = save(
        engine,
        record,
        status=status.EXITED,
        process=None,
        monitor=None,
        checkpointed=now,
        finished=now,
        exit_code=None,
        oom_killed=False,
        restored=None,
    )
    return cleanup(engine, record)  # also clears the intent


def mend(engine: Engine, record: ContainerRecord) -> ContainerRecord:
    """Recover from a killed checkpoint: the container runs, or has a whole checkpoint; return its record.

    The runtime keeps working after its caller is killed, so wait for its exit.
    """
    container = engine.layout.container(record.id)
    for process in find_by_argument(container.new_checkpoint):
        process.wait_gone(_PATIENCE)
    if is_whole(container) and record.status in status.ALIVE and record.process is not None:
        Process(*record.process).wait_gone(DYING)  # unless it was to keep running
    record = sync(engine, record)
    if record.status in status.ALIVE:
        return _go_on(engine, record, container)
    if record.is_checkpointed:
        release(engine, record)
        return save(engine, record, intent="")
    if is_whole(container):
        put_in_place(container)
        record = settle(engine, record)
        engine.tell("container", CHECKPOINT, record.id, record.name)
        return record
    give_up(container)  # it exited by itself, or because CRIU died
    return save(engine, record, intent="")


def is_whole(container: ContainerLayout) -> bool:
    """Return whether all images are written, or already in place."""
    if not os.path.isdir(container.new_checkpoint):
        return os.path.isdir(container.checkpoint)
    return os.path.exists(f"{container.new_checkpoint}/{criu.INVENTORY}")


def _go_on(engine: Engine, record: ContainerRecord, container: ContainerLayout) -> ContainerRecord:
    give_up(container)
    if record.status == status.RUNNING and record.process and freezer.is_frozen(record.process.pid):
        with suppress(EngineError):
            runtime_of(engine, record).resume(record.id)
    return save(engine, record, intent="")
