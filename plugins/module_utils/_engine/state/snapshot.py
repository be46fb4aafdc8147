# SPDX-License-Identifier: GPL-3.0-or-later
"""Copy a database into memory without touching a file.

SQLite's plain read-only mode won't do: on a database in WAL mode it makes -wal and -shm, and leaves them
(https://sqlite.org/wal.html#read_only_databases). What lies there decides how it can be read:

- a -wal that holds something, beside a -shm: with the -shm opened read-only. SQLite's locks keep the copy
  consistent; when nobody has the database open (its user was killed), SQLite reads the -wal by itself;
- no -wal, or an empty one: the file alone is the whole database. It is read without locks, so the copy counts
  only if the file did not change meanwhile;
- a -wal without -shm: somebody restored the two, or a user was killed while closing; a private copy is read.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from typing import NamedTuple

from .failures import busy, is_out_of_order
from .uri import uri

#: Nanoseconds. Kernels before 6.13 stamp a file with the time of the last tick, up to 10 ms ago, so a change
#: right after another leaves no trace in its mtime.
_TICK = 20_000_000
#: Seconds until the next try.
_PAUSE = 0.005


class _State(NamedTuple):
    """What of a file changes with its content; all 0 when it is absent."""

    inode: int = 0
    size: int = 0
    mtime: int = 0


class _Files(NamedTuple):
    """What lies there."""

    database: _State
    wal: _State
    shm: _State


def take(path: str, *, timeout: float) -> sqlite3.Connection:
    """Return an in-memory copy of the database; an empty one when the file is absent or empty.

    Raises StateBusy when it did not hold still for ``timeout`` seconds, sqlite3.Error when it can't be read.
    """
    deadline = time.monotonic() + timeout
    while True:
        copy = _try(path, timeout)
        if copy is not None:
            return copy
        if time.monotonic() > deadline:
            raise busy(path)
        time.sleep(_PAUSE)


def _try(path: str, timeout: float) -> sqlite3.Connection | None:
    """Return a copy, or None when another process opened, changed or closed the database meanwhile."""
    before = _files(path)
    locked = before.wal.size > 0 and before.shm.size > 0
    if not locked and 0 <= time.time_ns() - max(before.database.mtime, before.wal.mtime) < _TICK:
        return None
    try:
        copy = _copy_locked(path, timeout) if locked else _copy_still(path, before)
    except (sqlite3.Error, UnicodeDecodeError, FileNotFoundError) as error:
        # What was torn by a writer looks like damage.
        if _files(path) != before:
            return None
        if not (locked and isinstance(error, sqlite3.Error) and is_out_of_order(error)):
            raise
        # The -shm is damaged: it may not be written, so SQLite can't make it anew, and gives up after ten seconds.
        copy = _copy_apart(path)
    if locked or _files(path) == before:
        return copy
    copy.close()
    return None


def _copy_locked(path: str, timeout: float) -> sqlite3.Connection:
    # As root, SQLite gives -wal and -shm the owner that they have (fchown): only their ctime changes.
    return _copy(path, "mode=ro&readonly_shm=1", timeout)


def _copy_still(path: str, before: _Files) -> sqlite3.Connection:
    if not before.database.size:
        return _memory()
    return _copy_apart(path) if before.wal.size else _copy(path, "mode=ro&immutable=1", 0)


def _copy_apart(path: str) -> sqlite3.Connection:
    # Imported here because this is rare and their import costs more than a whole snapshot.
    import shutil
    import tempfile

    with tempfile.TemporaryDirectory(prefix="slipway-state-") as directory:
        apart = os.path.join(directory, "state.db")
        shutil.copyfile(path, apart)
        shutil.copyfile(f"{path}-wal", f"{apart}-wal")
        return _copy(apart, "mode=rw", 0)


def _copy(path: str, how: str, timeout: float) -> sqlite3.Connection:
    with closing(sqlite3.connect(uri(path, how), uri=True, timeout=timeout, isolation_level=None)) as source:
        source.execute("BEGIN")
        # Takes the read lock, which honours the timeout; backup() by itself would wait for one without end.
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()
        copy = _memory()
        try:
            source.backup(copy)
        except BaseException:  # also at an interrupt: nobody else knows the half copy
            copy.close()
            raise
        return copy


def _memory() -> sqlite3.Connection:
    return sqlite3.connect(":memory:", isolation_level=None)


def _files(path: str) -> _Files:
    return _Files(_state(path), _state(f"{path}-wal"), _state(f"{path}-shm"))


def _state(path: str) -> _State:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return _State()
    return _State(found.st_ino, found.st_size, found.st_mtime_ns)
