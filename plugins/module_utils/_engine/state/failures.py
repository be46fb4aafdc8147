# SPDX-License-Identifier: GPL-3.0-or-later
"""Translate errors of SQLite and the system into errors of the engine that a caller can act on."""

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

#: Python before 3.11 has no error code, only SQLite's text for it (sqlite3_errstr), which has never changed.
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
#: Errors that are bugs of the engine: a wrong statement, or a wrong value for it.
_OURS = (sqlite3.ProgrammingError, sqlite3.InterfaceError, sqlite3.NotSupportedError)
_OUR_TEXTS = ("syntax error", "within a transaction", "no transaction is active")
#: The prefix of SQLite's errors about statements in the database file itself.
_OF_SCHEMA = "malformed database schema"


@contextmanager
def translated(path: str) -> Iterator[None]:
    """Translate SQLite's errors that make the database unusable into the engine's; bugs of the engine pass unchanged."""
    try:
        yield
    except sqlite3.Error as error:
        if isinstance(error, _OURS) or _is_ours(str(error)):
            raise
        raise _translate(path, _primary_code(error), str(error)) from error
    except (
        UnicodeDecodeError
    ) as error:  # raised by Python instead of SQLite's error if that quotes invalid text
        raise corrupt(path, str(error)) from error


@contextmanager
def opening(path: str) -> Iterator[None]:
    """Translate errors of SQLite and the system while the database's files are created, examined or opened."""
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
    """Return whether the error is due to another process's lock."""
    return _primary_code(error) in (_BUSY, _LOCKED, _PROTOCOL)


def _translate(path: str, code: int | None, why: str) -> EngineError:
    kind = _kind(path, code) or 0
    if kind in _PLAIN:
        return _PLAIN[kind](path)
    return _TOLD.get(kind, corrupt)(path, why)


def is_out_of_order(error: sqlite3.Error) -> bool:
    """Return whether a reader cannot use the database's locks: their file is damaged, or must be recreated first."""
    return _primary_code(error) in (_PROTOCOL, _READ_ONLY)


def _kind(path: str, code: int | None) -> int | None:
    """Return the code that fits best, given the state of the file system.

    SQLite also reports a full or read-only file system with other codes: when it cannot create or grow its -shm file, or cannot
    open the file for writing.
    """
    if code in (_IO_ERROR, _CANT_OPEN) and _is_full(path):
        return _FULL
    if code in (_IO_ERROR, _CANT_OPEN, _PERM) and _is_read_only(path):
        return _READ_ONLY
    if code == _CANT_OPEN and _is_denied(path):
        return _PERM
    # Reading a directory in its place fails too, but not because of the disk.
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
    # access(2) does not open the file: closing a descriptor of the database would drop the locks that SQLite holds on it.
    there = path if os.path.exists(path) else os.path.dirname(path)
    return os.path.exists(there) and not os.access(there, os.R_OK | os.W_OK)


def rebuild_command(path: str) -> str:
    """Return the command that rebuilds the database from the sidecar files, as a user types it."""
    return f"`slipway --root {os.path.dirname(path)} store rebuild`"


def busy(path: str) -> StateBusy:
    """Return the error for a database that another process has locked for too long."""
    return StateBusy(
        f"the database {path} is locked by another process",
        remedy=f"Run the task again; 'fuser -v {path}' shows the processes that have it open",
        path=path,
    )


def corrupt(path: str, why: str) -> StateCorrupt:
    """Return the error for a damaged database; its remedy rebuilds it without losing track of running containers."""
    return StateCorrupt(
        f"the database {path} is damaged: {why}",
        remedy=f"Run {rebuild_command(path)}, which rebuilds it from the sidecar files, adopts running containers, and keeps "
        "the damaged file (--dry-run shows what it would do). Do not just remove it: running containers would be unknown. "
        "It contains no volume data",
        path=path,
    )


def _read_only(path: str, why: str) -> StateReadOnly:
    # The kernel remounts a disk with errors read-only; SQLite then silently opens the file read-only.
    return StateReadOnly(
        f"the database {path} cannot be written: {why}",
        remedy=f"Check with dmesg and 'findmnt -T {path}' whether its disk has errors or is mounted read-only, and with "
        f"'lsattr {path}' whether it is immutable; the database is intact, so leave it in place, and run the task again "
        "when it is writable",
        path=path,
    )


def _failing(path: str, why: str) -> StateFailing:
    return StateFailing(
        f"the database {path} cannot be used: {why}",
        remedy=f"Check with dmesg whether the disk shown by 'findmnt -T {path}', or memory, fails; leave the database in place,"
        " and run the task again afterwards: it continues from the current state",
        path=path,
    )


def _unreachable(path: str, why: str) -> StateUnreachable:
    return StateUnreachable(
        f"the database {path} cannot be opened: {why}",
        remedy=f"Check with 'ls -ld {os.path.dirname(path)} {path}*' whether its files exist, and whether their file system is "
        "mounted; if they are lost, "
        f"{rebuild_command(path)} rebuilds the database from the sidecar files",
        path=path,
    )


def _denied(path: str, why: str) -> StateDenied:
    return StateDenied(
        f"opening the database {path} is not permitted: {why}",
        remedy=f"Check the permissions with 'namei -l {path}', and the audit log for denials by SELinux or AppArmor; "
        "the engine must run as root",
        path=path,
    )


def _full(path: str) -> StoreFull:
    return StoreFull(
        f"no space left for the database {path}", remedy=f"Free space on {os.path.dirname(path)}", path=path
    )


#: The error for each code; any other code means damage.
_PLAIN = {_BUSY: busy, _LOCKED: busy, _PROTOCOL: busy, _FULL: _full}
_TOLD = {
    _READ_ONLY: _read_only,
    _PERM: _denied,
    _AUTH: _denied,
    _CANT_OPEN: _unreachable,
    _IO_ERROR: _failing,
    _NO_MEMORY: _failing,
}
