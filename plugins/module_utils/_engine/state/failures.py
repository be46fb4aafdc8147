# SPDX-License-Identifier: GPL-3.0-or-later
"""Turn what SQLite says into errors that a caller can act on."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import EngineError, StateBusy, StateCorrupt, StateFailing, StoreFull

# Primary result codes, https://sqlite.org/rescode.html
_BUSY = 5
_LOCKED = 6
_READ_ONLY = 8
_IO_ERROR = 10
_CORRUPT = 11
_FULL = 13
_CANT_OPEN = 14
_PROTOCOL = 15
_NOT_A_DATABASE = 26

#: Python before 3.11 hands on no code, only SQLite's own text for it (sqlite3_errstr); these never changed.
_TEXTS: dict[str, int] = {
    "database is locked": _BUSY,
    "is locked": _LOCKED,
    "readonly database": _READ_ONLY,
    "disk I/O error": _IO_ERROR,
    "malformed": _CORRUPT,
    "database or disk is full": _FULL,
    "unable to open database file": _CANT_OPEN,
    "locking protocol": _PROTOCOL,
    "file is not a database": _NOT_A_DATABASE,
}


@contextmanager
def translated(path: str) -> Iterator[None]:
    """Raise StateBusy, StateCorrupt, StateFailing or StoreFull where SQLite reports such; other errors pass as they are."""
    try:
        yield
    except sqlite3.Error as error:
        found = _translate(path, error)
        if found is None:
            raise
        raise found from error


def is_busy(error: sqlite3.Error) -> bool:
    """Tell whether another's lock is in the way."""
    return _primary_code(error) in (_BUSY, _LOCKED, _PROTOCOL)


def _translate(path: str, error: sqlite3.Error) -> EngineError | None:
    code = _primary_code(error)
    if is_busy(error):
        return busy(path)
    # A full disk shows as an I/O error too: SQLite says so when it can't make or grow its -shm file.
    if code == _FULL or (code in (_IO_ERROR, _CANT_OPEN) and _is_full(path)):
        return _full(path)
    # A directory in its place can't be read either, but that is no fault of the disk.
    if code == _READ_ONLY or (code == _IO_ERROR and os.path.isfile(path)):
        return _failing(path, str(error))
    if code in (_IO_ERROR, _CORRUPT, _CANT_OPEN, _NOT_A_DATABASE):
        return corrupt(path, str(error))
    return None


def _primary_code(error: sqlite3.Error) -> int | None:
    code: int | None = getattr(error, "sqlite_errorcode", None)
    if code is not None:
        return code & 0xFF
    return next((number for text, number in _TEXTS.items() if text in str(error)), None)


def _is_full(path: str) -> bool:
    try:
        seen = os.statvfs(os.path.dirname(path))
    except OSError:
        return False
    return seen.f_bavail == 0 or (seen.f_files > 0 and seen.f_favail == 0)


def busy(path: str) -> StateBusy:
    """Say that another process kept the database for too long."""
    return StateBusy(
        f"the database {path} is locked by another process",
        remedy=f"Run the task again; 'fuser -v {path}' shows who has it open",
        path=path,
    )


def corrupt(path: str, why: str) -> StateCorrupt:
    """Say that the database can't be read, and how to go on without it."""
    return StateCorrupt(
        f"the database {path} can't be read: {why}",
        remedy=f"Move {path}, {path}-wal and {path}-shm (those that exist) aside together, and put a backup "
        "in their place if there is one; containers that run go on running, and no volume's data is in it",
        path=path,
    )


def _failing(path: str, why: str) -> StateFailing:
    # A disk with errors is mounted read-only by the kernel; SQLite then opens the file so, without a word.
    return StateFailing(
        f"the database {path} can't be used: {why}",
        remedy=f"See with dmesg, and with 'findmnt -T {path}', whether its disk has errors or is mounted read-only;"
        " afterwards run the task again: it goes on from what is there",
        path=path,
    )


def _full(path: str) -> StoreFull:
    return StoreFull(
        f"no space is left for the database {path}", remedy=f"Free some on {os.path.dirname(path)}", path=path
    )
