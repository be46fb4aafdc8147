# SPDX-License-Identifier: GPL-3.0-or-later
"""Read what a container's task looks up as it is stored: enough to tell whether any of it is another than before.

Nothing is decoded. Whoever opens the database in full learns why it can't be read.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing

from .uri import uri

#: Seconds to wait for somebody who writes; the whole way waits longer.
_PATIENCE = 1.0
_ID_LENGTH, _HEX = 64, frozenset("0123456789abcdef")
_CONTAINER = "SELECT * FROM containers WHERE name = ?"
#: What belongs to the container of an id.
_HELD = (
    "SELECT destination, volume FROM container_volumes WHERE container_id = ? ORDER BY destination",
    "SELECT * FROM volumes WHERE name IN (SELECT volume FROM container_volumes WHERE container_id = ?) ORDER BY name",
    "SELECT via, needs FROM container_dependencies WHERE container_id = ? ORDER BY via, needs",
    "SELECT id FROM exec_sessions WHERE container_id = ? ORDER BY created, id",
)
#: What images there are, and what they are called; an id is the digest of all else that is known of one.
_IMAGES = (
    "SELECT name, image_id FROM image_names ORDER BY name",
    "SELECT id, manifest_digest, created FROM images ORDER BY id",
)
_ENGINE = ("PRAGMA user_version", "SELECT value FROM meta WHERE key = 'boot'")


class Stored:
    """A container's row by column, and all that the task looked up as text; ``known`` are the ids of all containers."""

    __slots__ = ("known", "row", "text")

    def __init__(self, row: sqlite3.Row, text: str, known: frozenset[str]) -> None:
        self.row, self.text, self.known = row, text, known


def find(connection: sqlite3.Connection, name: str) -> Stored | None:
    """Return what is stored of the container of this name, None where there is none; the connection has ``sqlite3.Row``."""
    row = connection.execute(_CONTAINER, (name,)).fetchone()
    if row is None or not _is_id(row["id"]):
        return None
    queries = [(query, (row["id"],)) for query in _HELD] + [(query, ()) for query in (*_IMAGES, *_ENGINE)]
    looked_up = [tuple(row), *([*map(tuple, connection.execute(*query))] for query in queries)]
    known = frozenset(one["id"] for one in connection.execute("SELECT id FROM containers"))
    return Stored(row, repr(looked_up), known)


def _is_id(text: str) -> bool:
    """Return whether it can become a part of paths."""
    return len(text) == _ID_LENGTH and _HEX.issuperset(text)


def read(database: str, name: str, *, leaving_nothing: bool) -> Stored | None:
    """Return the same of a database by its path; None also when it can't be read. ``leaving_nothing``: no file is touched."""
    try:
        with closing(_open(database, leaving_nothing=leaving_nothing)) as connection:
            connection.row_factory = sqlite3.Row
            connection.execute("BEGIN")  # one state of it throughout
            return find(connection, name)
    except (sqlite3.Error, UnicodeDecodeError):
        return None


def _open(database: str, *, leaving_nothing: bool) -> sqlite3.Connection:
    if not leaving_nothing:  # nor is one made where it is gone by now
        return sqlite3.connect(uri(database, "mode=rw"), uri=True, timeout=_PATIENCE, isolation_level=None)
    from ..errors import StateBusy
    from . import snapshot

    try:
        return snapshot.take(database, timeout=_PATIENCE)
    except StateBusy as error:
        raise sqlite3.OperationalError(str(error)) from error


def version(connection: sqlite3.Connection) -> tuple[int, int]:
    """Return what is another after whatever is saved, by this connection or by another one; only this connection's compare."""
    return connection.execute("PRAGMA data_version").fetchone()[0], connection.total_changes
