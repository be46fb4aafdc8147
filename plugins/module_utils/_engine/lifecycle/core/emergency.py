# SPDX-License-Identifier: GPL-3.0-or-later
"""Stop and remove containers if the disk can't be written: full, out of inodes, over quota, read-only.

Stopping the container that fills the disk must not need disk space. Only the record can't be written then: the verb
works on a copy of the database in memory, and the next verb that can write corrects the record by the facts. A removal
from a read-only root would only end the process, so it is refused before that.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import TypeVar

from ...errors import EngineError, StateFailing, StateReadOnly, StoreFull
from ...kernel import disk_full
from ...model.engine.layout import Layout
from ...state.database import open_database
from .engine import Engine

T = TypeVar("T")
#: Opens the engine, as usual.
Opened = Callable[[], AbstractContextManager[Engine]]

#: Bytes of each spare file, deleted to make room for recording a stop or a removal: SQLite needs some pages in -wal and -shm.
_SPARE_SIZE = 128 * 1024
_PLENTY = 16 * _SPARE_SIZE


def is_no_room(error: BaseException) -> bool:
    """Return whether an error means that a file system can't be written."""
    return isinstance(error, (StoreFull, StateReadOnly, StateFailing)) or disk_full.is_no_room(error)


def ended(opened: Opened, layout: Layout, act: Callable[[Engine], T], *, removes: bool) -> tuple[T, str]:
    """Call ``act``, which stops or removes containers, with an engine; return its result and a warning or "".

    Without disk space, call it again after deleting the spare files, then without recording; ``act`` may be called any
    number of times. ``removes``: a removal must be recorded, so it fails if that is impossible, once all else is done.
    """
    try:
        return _called(opened, act), ""
    except (EngineError, OSError) as error:
        if not _in_the_way(error, layout):
            raise
    _give_up(layout)
    try:
        return _called(opened, act), ""
    except (EngineError, OSError) as error:
        if not _in_the_way(error, layout):
            raise
    with unrecorded(layout) as engine:
        result = _done(engine, act)
    try:
        _called(opened, act)
    except (EngineError, OSError) as error:
        if removes or not _in_the_way(error, layout):
            raise
        return (
            result,
            f"{error}: the result could not be recorded; the next task that can write will record it",
        )
    return result, ""


def _done(engine: Engine, act: Callable[[Engine], T]) -> T:
    try:
        return act(engine)
    except OSError as error:
        if not is_no_room(error):
            raise
        raise StateFailing(
            f"the processes were stopped, but their files can't be removed: {error.filename}: {error.strerror}",
            remedy="Check the disk with df and dmesg, then run the task again",
            path=error.filename,
        ) from error


def _in_the_way(error: BaseException, layout: Layout) -> bool:
    """Return whether the disk can't be written; on a read-only root, any error of the database says so."""
    if is_no_room(error):
        return True
    is_state = isinstance(error, EngineError) and error.code.startswith("state_")
    return is_state and _is_read_only(layout.root)


def _called(opened: Opened, act: Callable[[Engine], T]) -> T:
    with opened() as engine:
        return act(engine)


@contextmanager
def unrecorded(layout: Layout) -> Iterator[Engine]:
    """Open an engine on a copy of the database in memory; what is saved there is lost at the end."""
    with open_database(layout.database, read_only=True) as database:
        database.let_write()
        yield Engine(layout, database, unrecorded=True)


def refuse_removal(engine: Engine, name: str) -> None:
    """Raise StateReadOnly, before the container is stopped, if its removal can't be done or recorded."""
    root = engine.layout.root
    if engine.unrecorded and _is_read_only(root):
        raise StateReadOnly(
            f"container {name} was not removed: {root} is read-only, so its files and its row can't be deleted",
            remedy=f"To stop it all the same, use state: stopped or `slipway stop {name}`. Find out why it is read-only "
            f"with dmesg and 'findmnt -T {root}', and remove the container once it is writable",
            path=engine.layout.database,
            name=name,
        )


def _is_read_only(root: str) -> bool:
    return bool(os.statvfs(root).f_flag & os.ST_RDONLY)


# -- spare files -------------------------------------------------------------------------------------


def keep_room(layout: Layout) -> None:
    """Create the spare files that reserve space for recording a stop, if the disk has room for them."""
    missing = [path for path in layout.spare if not os.path.exists(path)]
    if not missing:
        return
    seen = os.statvfs(layout.root)
    if seen.f_bavail * seen.f_frsize > _PLENTY:  # else the verb that deleted them needs the space now
        for path in missing:
            with suppress(OSError):
                _make(path)


def _make(path: str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(fd, 0, _SPARE_SIZE)
    except OSError:
        os.unlink(path)
        raise
    finally:
        os.close(fd)


def _give_up(layout: Layout) -> None:
    for path in layout.spare:
        with suppress(OSError):
            os.unlink(path)
