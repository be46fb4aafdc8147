# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep the files of a container's checkpoint: complete them, put them in place, mend what a killed checkpoint left.

The record tells whether there is one. While it is made its images are in a directory of another name, which is there
before the intent is saved: so where it is gone, it was put in place.
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
#: The directory with what the container's own /dev/shm held, among CRIU's images, which know nothing of it.
SHM = "devshm"
#: Seconds for a runtime that writes a checkpoint for nobody any more, but must not be cut off.
_PATIENCE = 3600.0
#: Seconds for processes that CRIU has killed: it does not wait for their end.
DYING = 5.0


def begin(container: ContainerLayout) -> None:
    """Make the directory that the images are written to."""
    remove_tree(container.new_checkpoint)
    files.make_private(container.new_checkpoint)


def give_up(container: ContainerLayout) -> None:
    """Throw away what has been written."""
    remove_tree(container.new_checkpoint)


def put_in_place(container: ContainerLayout) -> None:
    """Make what was written the container's checkpoint, durably; what was put in place already is fine."""
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
    """Put back into /dev/shm what it held, if it is the container's own."""
    kept = f"{container.checkpoint}/{SHM}"
    if shm.is_mounted(container) and os.path.isdir(kept):
        _copy(kept, container.shm)


def give_to(container: ContainerLayout, owner: tuple[int, int]) -> None:
    """Let the root of a user namespace read the images: there CRIU works with its rights."""
    for path in (container.checkpoint, *(entry.path for entry in os.scandir(container.checkpoint))):
        os.chown(path, *owner, follow_symlinks=False)


def _copy(source: str, target: str) -> None:
    from ...trees.copy import copy_tree

    with files.directory(source) as from_, files.directory(target) as into:
        copy_tree(from_, into)


def forget(container: ContainerLayout) -> None:
    """Remove the checkpoint, which the record does not tell of any more, and the logs."""
    remove_tree(container.checkpoint)
    forget_logs(container)


def forget_logs(container: ContainerLayout) -> None:
    """Remove what CRIU has said and counted."""
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
    """Record that the container has ended in its checkpoint, which is in place, and clean up; the lock is held."""
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
    return cleanup(engine, record)  # which takes the intent away


def mend(engine: Engine, record: ContainerRecord) -> ContainerRecord:
    """Return the record of a container whose checkpoint was killed: it runs, or its checkpoint is complete.

    The runtime works on when whoever called it was killed, so its end is waited for.
    """
    container = engine.layout.container(record.id)
    for process in find_by_argument(container.new_checkpoint):
        process.wait_gone(_PATIENCE)
    if is_whole(container) and record.status in status.ALIVE and record.process is not None:
        Process(*record.process).wait_gone(DYING)  # unless it was to run on
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
    give_up(container)  # it ended by itself, or of CRIU's end
    return save(engine, record, intent="")


def is_whole(container: ContainerLayout) -> bool:
    """Tell whether all images were written, or are in place already."""
    if not os.path.isdir(container.new_checkpoint):
        return os.path.isdir(container.checkpoint)
    return os.path.exists(f"{container.new_checkpoint}/{criu.INVENTORY}")


def _go_on(engine: Engine, record: ContainerRecord, container: ContainerLayout) -> ContainerRecord:
    give_up(container)
    if record.status == status.RUNNING and record.process and freezer.is_frozen(record.process.pid):
        with suppress(EngineError):
            runtime_of(engine, record).resume(record.id)
    return save(engine, record, intent="")
