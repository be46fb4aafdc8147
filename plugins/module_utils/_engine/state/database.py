# SPDX-License-Identifier: GPL-3.0-or-later
"""Open the database and run transactions on it."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress

from ..errors import StateTooNew
from .failures import corrupt, is_busy, opening, translated
from .schema import MIGRATIONS

#: Seconds to wait for another process's transaction, which usually takes milliseconds, but seconds on a busy disk.
BUSY_TIMEOUT = 30.0
#: Seconds between attempts where SQLite does not wait by itself.
_PAUSE = 0.005


class Database:
    """An open database.

    SQLite's errors leave its ``with`` blocks translated by failures.py: StateBusy, StateCorrupt, StateReadOnly, ...
    """

    def __init__(self, path: str, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection

    def __enter__(self) -> Database:  # noqa: PYI034  (typing.Self came with Python 3.11)
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the database; a second call does nothing."""
        self._connection.close()

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """Yield the connection in a transaction, which is committed at the end of the block, or rolled back if it raises.

        Not ``durable``: a power loss, but not a kill, may roll it back until a later durable transaction. It needs no disk sync,
        and is for data that has no meaning after a reboot.
        """
        synced = nullcontext() if durable else self._unsynced()
        with translated(self.path), synced, _transaction(self._connection, "BEGIN IMMEDIATE"):
            yield self._connection

    @contextmanager
    def _unsynced(self) -> Iterator[None]:
        # The WAL stays consistent without a sync per transaction (sqlite.org/pragma.html#pragma_synchronous).
        self._connection.execute("PRAGMA synchronous = NORMAL")
        try:
            yield
        finally:
            self._connection.execute("PRAGMA synchronous = FULL")

    @contextmanager
    def amending(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection of a private copy (``read_only``) in a transaction; no file is changed."""
        self._connection.execute("PRAGMA query_only = 0")
        try:
            with self.transaction() as connection:
                yield connection
        finally:
            self._connection.execute("PRAGMA query_only = 1")

    def let_write(self) -> None:
        """Make a private copy (``read_only``) writable; changes are lost with this object."""
        self._connection.execute("PRAGMA query_only = 0")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection in a transaction that sees one state of the database throughout."""
        with translated(self.path), _transaction(self._connection, "BEGIN"):
            yield self._connection


@contextmanager
def _transaction(connection: sqlite3.Connection, begin: str) -> Iterator[None]:
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:  # also at an interrupt: a transaction left open would lock the database
        # After some errors (a full disk), SQLite has already rolled back, and this fails.
        with suppress(sqlite3.OperationalError):
            connection.execute("ROLLBACK")
        raise


def open_database(path: str, *, read_only: bool = False, timeout: float = BUSY_TIMEOUT) -> Database:
    """Open the database at ``path``; create it (0600, its directory must exist) or migrate it if needed.

    ``read_only`` returns a private copy of the current database without changing any file; an empty copy if there is none.
    Writing to it raises StateReadOnly. ``timeout``: seconds to wait for a lock. Raises StateTooNew, and the errors of
    failures.py.
    """
    with opening(path):
        connection = (_snapshot if read_only else _connect)(path, timeout)
        try:
            _migrate(connection, path)
            connection.execute(f"PRAGMA query_only = {int(read_only)}")
        except BaseException:  # also at an interrupt: an open connection may hold a lock
            connection.close()
            raise
    connection.row_factory = sqlite3.Row
    return Database(path, connection)


def _snapshot(path: str, timeout: float) -> sqlite3.Connection:
    from . import snapshot  # tasks that write do not need it

    return snapshot.take(path, timeout=timeout)


def _connect(path: str, timeout: float) -> sqlite3.Connection:
    _make_private(path)
    connection = sqlite3.connect(path, timeout=timeout, isolation_level=None)
    try:
        # A kill or a power loss after COMMIT must not roll the transaction back.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        _use_wal(connection, timeout)
    except BaseException:  # also at an interrupt: an open connection may hold a lock
        connection.close()
        raise
    return connection


def _use_wal(connection: sqlite3.Connection, timeout: float) -> None:
    # SQLite does not wait here: processes that open a new file simultaneously fail at once because it is locked.
    deadline = time.monotonic() + timeout
    while not _try_wal(connection, deadline):
        time.sleep(_PAUSE)


def _try_wal(connection: sqlite3.Connection, deadline: float) -> bool:
    try:
        connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError as error:
        if not is_busy(error) or time.monotonic() > deadline:
            raise
        return False
    return True


def _make_private(path: str) -> None:
    """Create a missing file, accessible only by its owner: SQLite gives -wal and -shm the same mode."""
    # An existing file must not be opened here: closing any of its descriptors drops all locks that SQLite holds
    # on it in this process (fcntl_locking(2)).
    if not os.path.exists(path):
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _migrate(connection: sqlite3.Connection, path: str) -> None:
    while True:
        version = _version(connection)
        if version == len(MIGRATIONS):
            return
        if version < 0:
            raise corrupt(path, f"its version is {version}")
        if version > len(MIGRATIONS):
            raise StateTooNew(
                f"the database {path} was written by a newer slipway: its version is {version}, "
                f"the newest known {len(MIGRATIONS)}",
                remedy="Update the collection slipway.oci; the database is intact, so leave it in place",
                path=path,
                version=version,
            )
        with _transaction(connection, "BEGIN IMMEDIATE"):
            # Another process may have migrated it while this one waited.
            if _version(connection) == version:
                _apply(connection, version)


def _apply(connection: sqlite3.Connection, version: int) -> None:
    # Not executescript: it commits first.
    for statement in _statements(MIGRATIONS[version]):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {version + 1}")


def _statements(script: str) -> Iterator[str]:
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
