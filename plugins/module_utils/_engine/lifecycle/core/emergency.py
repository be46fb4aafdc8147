# SPDX-License-Identifier: GPL-3.0-or-later
"""End containers on a host whose disk takes nothing more: full, out of inodes, over a quota, read-only.

Whatever fills the disk has to be stopped without it. What can't be written then is the record: the verb works on a copy of
the database in memory, and what it does shows in the facts, by which the next verb that can write finds it. A removal from a
root that is read-only would leave all but the process, so it is refused before that is ended.
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

#: Bytes of each file that is given up for the record of a stop or a removal: SQLite needs two (-wal, -shm), of some pages.
_SPARE_SIZE = 128 * 1024
_PLENTY = 16 * _SPARE_SIZE


def is_no_room(error: BaseException) -> bool:
    """Return whether an error means that a file system takes nothing more."""
    return isinstance(error, (StoreFull, StateReadOnly, StateFailing)) or disk_full.is_no_room(error)


def ended(opened: Opened, layout: Layout, act: Callable[[Engine], T], *, removes: bool) -> tuple[T, str]:
    """Call ``act``, which ends containers, with an engine; return what it returns, and a warning or "".

    Without room it is called again with the room that is kept for it, then without a record; ``act`` can be called any number
    of times. ``removes``: to be recorded is a part of it, so it fails if it can't be, once all else is done.
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
        return result, f"{error}: what was done could not be recorded, and is found by the next task that can"
    return result, ""


def _done(engine: Engine, act: Callable[[Engine], T]) -> T:
    try:
        return act(engine)
    except OSError as error:
        if not is_no_room(error):
            raise
        raise StateFailing(
            f"what ran was ended, and what it has left can't be removed: {error.filename}: {error.strerror}",
            remedy="See with df and dmesg what is wrong with the disk; afterwards run the task again",
            path=error.filename,
        ) from error


def _in_the_way(error: BaseException, layout: Layout) -> bool:
    """Tell it of an error of a verb, the database's included, which SQLite tells in many ways where the root is read-only."""
    if is_no_room(error):
        return True
    is_state = isinstance(error, EngineError) and error.code.startswith("state_")
    return is_state and _is_read_only(layout.root)


def _called(opened: Opened, act: Callable[[Engine], T]) -> T:
    with opened() as engine:
        return act(engine)


@contextmanager
def unrecorded(layout: Layout) -> Iterator[Engine]:
    """Open an engine on a copy of the database; what is saved there goes with it."""
    with open_database(layout.database, read_only=True) as database:
        database.let_write()
        yield Engine(layout, database, unrecorded=True)


def refuse_removal(engine: Engine, name: str) -> None:
    """Raise StateReadOnly where a removal can neither be done nor be owed, before the container is ended for it."""
    root = engine.layout.root
    if engine.unrecorded and _is_read_only(root):
        raise StateReadOnly(
            f"container {name} is left as it was: {root} is read-only, so its files and its row can't be removed",
            remedy=f"A stop works all the same, by state: stopped or `slipway stop {name}`. See with dmesg and with "
            f"'findmnt -T {root}' why it is read-only, and remove the container when it can be written",
            path=engine.layout.database,
            name=name,
        )


def _is_read_only(root: str) -> bool:
    return bool(os.statvfs(root).f_flag & os.ST_RDONLY)


# -- what is kept for it -----------------------------------------------------------------------------


def keep_room(layout: Layout) -> None:
    """Keep some room of the root for the record of an end, if there is any."""
    missing = [path for path in layout.spare if not os.path.exists(path)]
    if not missing:
        return
    seen = os.statvfs(layout.root)
    if seen.f_bavail * seen.f_frsize > _PLENTY:  # else whoever gave it up needs it now
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
