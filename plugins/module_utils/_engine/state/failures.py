# SPDX-License-Identifier: GPL-3.0-or-later
"""Turn what SQLite and the system say of the database into errors that a caller can act on: the one place for that."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import (
    EngineError,
    StateBusy,
    StateCorrupt,
    StateDenied,
    StateFailing,
    StateReadOnly,
    StateUnreachable,
    StoreFull,
)

# Primary result codes, https://sqlite.org/rescode.html
_PERM = 3
_BUSY = 5
_LOCKED = 6
_NO_MEMORY = 7
_READ_ONLY = 8
_IO_ERROR = 10
_CORRUPT = 11
_FULL = 13
_CANT_OPEN = 14
_PROTOCOL = 15
_AUTH = 23
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
    "access permission denied": _PERM,
    "authorization denied": _AUTH,
    "out of memory": _NO_MEMORY,
}
_ERRNOS: dict[int, int] = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EROFS: _READ_ONLY,
    errno.EACCES: _PERM,
    errno.EPERM: _PERM,
    errno.EIO: _IO_ERROR,
    errno.ENODEV: _IO_ERROR,
    errno.ESTALE: _IO_ERROR,
    errno.ENOMEM: _NO_MEMORY,
}
#: What these say is wrong on our side: a statement, a value for it.
_OURS = (sqlite3.ProgrammingError, sqlite3.InterfaceError, sqlite3.NotSupportedError)
_OUR_TEXTS = ("syntax error", "within a transaction", "no transaction is active")
#: So begins what it says of a statement that the file itself holds.
_OF_SCHEMA = "malformed database schema"


@contextmanager
def translated(path: str) -> Iterator[None]:
    """Raise our own error where SQLite reports that the database can't be used; what is a fault of the engine passes as it is."""
    try:
        yield
    except sqlite3.Error as error:
        if isinstance(error, _OURS) or _is_ours(str(error)):
            raise
        raise _translate(path, _primary_code(error), str(error)) from error
    except (
        UnicodeDecodeError
    ) as error:  # Python's, in place of SQLite's own error where that quotes what is no text
        raise corrupt(path, str(error)) from error


@contextmanager
def opening(path: str) -> Iterator[None]:
    """Do the same for what the system says while the files of the database are made, looked at or opened."""
    try:
        with translated(path):
            yield
    except OSError as error:
        of_database = os.fsdecode(error.filename or path).startswith(path)
        code = _ERRNOS.get(error.errno or 0, _CANT_OPEN if of_database else 0)
        if not code:
            raise
        raise _translate(path, code, error.strerror or str(error)) from error


def _is_ours(text: str) -> bool:
    return not text.startswith(_OF_SCHEMA) and any(ours in text for ours in _OUR_TEXTS)


def is_busy(error: sqlite3.Error) -> bool:
    """Return whether another's lock is in the way."""
    return _primary_code(error) in (_BUSY, _LOCKED, _PROTOCOL)


def _translate(path: str, code: int | None, why: str) -> EngineError:
    kind = _kind(path, code) or 0
    if kind in _PLAIN:
        return _PLAIN[kind](path)
    return _TOLD.get(kind, corrupt)(path, why)


def is_out_of_order(error: sqlite3.Error) -> bool:
    """Return whether the locks of the database are of no use to a reader: their file is damaged, or has to be made anew first."""
    return _primary_code(error) in (_PROTOCOL, _READ_ONLY)


def _kind(path: str, code: int | None) -> int | None:
    """Return the code that says it best, by what is seen of the place.

    What SQLite could not do for want of space, or on a file system that can't be written, it calls by other names too: when it
    can't make or grow its -shm file, or can't open the file for writing.
    """
    if code in (_IO_ERROR, _CANT_OPEN) and _is_full(path):
        return _FULL
    if code in (_IO_ERROR, _CANT_OPEN, _PERM) and _is_read_only(path):
        return _READ_ONLY
    if code == _CANT_OPEN and _is_denied(path):
        return _PERM
    # A directory in its place can't be read either, but that is no fault of the disk.
    return _CANT_OPEN if code == _IO_ERROR and os.path.isdir(path) else code


def _primary_code(error: sqlite3.Error) -> int | None:
    code: int | None = getattr(error, "sqlite_errorcode", None)
    if code is not None:
        return code & 0xFF
    return next((number for text, number in _TEXTS.items() if text in str(error)), None)


def _is_full(path: str) -> bool:
    seen = _filesystem(path)
    return seen is not None and (seen.f_bavail == 0 or (seen.f_files > 0 and seen.f_favail == 0))


def _is_read_only(path: str) -> bool:
    seen = _filesystem(path)
    return seen is not None and bool(seen.f_flag & os.ST_RDONLY)


def _filesystem(path: str) -> os.statvfs_result | None:
    try:
        return os.statvfs(os.path.dirname(path))
    except OSError:
        return None


def _is_denied(path: str) -> bool:
    # access(2) opens nothing: to close a descriptor of the database would drop the locks that SQLite holds on it.
    there = path if os.path.exists(path) else os.path.dirname(path)
    return os.path.exists(there) and not os.access(there, os.R_OK | os.W_OK)


def rebuild_command(path: str) -> str:
    """Return what makes the database anew from what lies beside it, as a person types it."""
    return f"`slipway --root {os.path.dirname(path)} store rebuild`"


def busy(path: str) -> StateBusy:
    """Say that another process kept the database for too long."""
    return StateBusy(
        f"the database {path} is locked by another process",
        remedy=f"Run the task again; 'fuser -v {path}' shows who has it open",
        path=path,
    )


def corrupt(path: str, why: str) -> StateCorrupt:
    """Say that the database is damaged, and how to get a whole one without losing sight of what runs."""
    return StateCorrupt(
        f"the database {path} is damaged: {why}",
        remedy=f"{rebuild_command(path)} makes a new one from what lies beside it, takes up the containers that run, and keeps "
        "the damaged one (--dry-run tells what it would do). Do not just remove it: containers that run would be unknown. "
        "No volume's data is in it",
        path=path,
    )


def _read_only(path: str, why: str) -> StateReadOnly:
    # A disk with errors is mounted read-only by the kernel; SQLite then opens the file so, without a word.
    return StateReadOnly(
        f"the database {path} can't be written: {why}",
        remedy=f"See with dmesg, and with 'findmnt -T {path}', whether its disk has errors or is mounted read-only, and with "
        f"'lsattr {path}' whether it is immutable; the database is as it was, so leave it where it is, and run the task again "
        "when it can be written",
        path=path,
    )


def _failing(path: str, why: str) -> StateFailing:
    return StateFailing(
        f"the database {path} can't be used: {why}",
        remedy=f"See with dmesg whether the disk of 'findmnt -T {path}', or memory, fails; leave the database where it is;"
        " afterwards run the task again: it goes on from what is there",
        path=path,
    )


def _unreachable(path: str, why: str) -> StateUnreachable:
    return StateUnreachable(
        f"the database {path} can't be opened: {why}",
        remedy=f"See with 'ls -ld {os.path.dirname(path)} {path}*' whether all are where they should be, as files, and whether "
        "their file system is mounted; if they are lost, "
        f"{rebuild_command(path)} makes a new one from what lies beside it",
        path=path,
    )


def _denied(path: str, why: str) -> StateDenied:
    return StateDenied(
        f"the database {path} may not be opened: {why}",
        remedy=f"See with 'namei -l {path}' who may, and in the audit log whether SELinux or AppArmor refused it; "
        "the engine needs root",
        path=path,
    )


def _full(path: str) -> StoreFull:
    return StoreFull(
        f"no space is left for the database {path}", remedy=f"Free some on {os.path.dirname(path)}", path=path
    )


#: What is made of a code; anything else that SQLite refuses to go on with is damage.
_PLAIN = {_BUSY: busy, _LOCKED: busy, _PROTOCOL: busy, _FULL: _full}
_TOLD = {
    _READ_ONLY: _read_only,
    _PERM: _denied,
    _AUTH: _denied,
    _CANT_OPEN: _unreachable,
    _IO_ERROR: _failing,
    _NO_MEMORY: _failing,
}
