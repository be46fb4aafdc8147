# SPDX-License-Identifier: GPL-3.0-or-later
"""Copy a database into memory without changing a file.

SQLite's plain read-only mode is not usable: in WAL mode it creates -wal and -shm, and leaves them
(https://sqlite.org/wal.html#read_only_databases). How the database can be read depends on its files:

- a -wal that is not empty, and a -shm: the -shm is opened read-only. SQLite's locks keep the copy consistent; if no
  process has the database open (because it was killed), SQLite reads the -wal by itself;
- no -wal, or an empty one: the file is the whole database. It is read without locks, so the copy is valid only if
  the file did not change meanwhile;
- a -wal without -shm: both were restored from a backup, or a process was killed while closing; a private copy is read.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from typing import NamedTuple

from .failures import busy, is_out_of_order
from .uri import uri

#: Nanoseconds. Kernels before 6.13 set the mtime to the last tick, up to 10 ms ago, so a change immediately after
#: another one may not change the mtime.
_TICK = 20_000_000
#: Seconds until the next attempt.
_PAUSE = 0.005


class _State(NamedTuple):
    """The attributes of a file that change with its content; all 0 if it is absent."""

    inode: int = 0
    size: int = 0
    mtime: int = 0


class _Files(NamedTuple):
    """The states of the database's files."""

    database: _State
    wal: _State
    shm: _State


def take(path: str, *, timeout: float) -> sqlite3.Connection:
    """Return an in-memory copy of the database, an empty one if the file is absent or empty.

    Raises StateBusy if the database kept changing for ``timeout`` seconds, sqlite3.Error if it cannot be read.
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
    """Return a copy, None if another process opened, changed or closed the database meanwhile."""
    before = _files(path)
    locked = before.wal.size > 0 and before.shm.size > 0
    if not locked and 0 <= time.time_ns() - max(before.database.mtime, before.wal.mtime) < _TICK:
        return None
    try:
        copy = _copy_locked(path, timeout) if locked else _copy_still(path, before)
    except (sqlite3.Error, UnicodeDecodeError, FileNotFoundError) as error:
        # A concurrent write looks like damage.
        if _files(path) != before:
            return None
        if not (locked and isinstance(error, sqlite3.Error) and is_out_of_order(error)):
            raise
        # The -shm is damaged: SQLite must not write it, so it cannot recreate it, and gives up after ten seconds.
        copy = _copy_apart(path)
    if locked or _files(path) == before:
        return copy
    copy.close()
    return None


def _copy_locked(path: str, timeout: float) -> sqlite3.Connection:
    # As root, SQLite sets the owner of -wal and -shm to the current owner (fchown), which changes only their ctime.
    return _copy(path, "mode=ro&readonly_shm=1", timeout)


def _copy_still(path: str, before: _Files) -> sqlite3.Connection:
    if not before.database.size:
        return _memory()
    return _copy_apart(path) if before.wal.size else _copy(path, "mode=ro&immutable=1", 0)


def _copy_apart(path: str) -> sqlite3.Connection:
    # Imported here, because this is rare, and importing them takes longer than a snapshot.
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
        # Takes the read lock, subject to the timeout; backup() itself would wait for it indefinitely.
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()
        copy = _memory()
        try:
            source.backup(copy)
        except BaseException:  # also at an interrupt: no one else would close the partial copy
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
