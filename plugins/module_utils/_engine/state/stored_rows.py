# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the stored rows that a container's task depends on, to detect whether any of them has changed.

Nothing is decoded. If the database cannot be read, opening it in full reports the reason.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing

from .uri import uri

#: Seconds to wait for a writer; the full task waits longer.
_PATIENCE = 1.0
_ID_LENGTH, _HEX = 64, frozenset("0123456789abcdef")
_CONTAINER = "SELECT * FROM containers WHERE name = ?"
#: Rows that belong to the container with an ID.
_HELD = (
    "SELECT destination, volume FROM container_volumes WHERE container_id = ? ORDER BY destination",
    "SELECT * FROM volumes WHERE name IN (SELECT volume FROM container_volumes WHERE container_id = ?) ORDER BY name",
    "SELECT via, needs FROM container_dependencies WHERE container_id = ? ORDER BY via, needs",
    "SELECT id FROM exec_sessions WHERE container_id = ? ORDER BY created, id",
)
#: All images and their names; an image's ID is the digest of everything else that is known of it.
_IMAGES = (
    "SELECT name, image_id FROM image_names ORDER BY name",
    "SELECT id, manifest_digest, created FROM images ORDER BY id",
)
_ENGINE = ("PRAGMA user_version", "SELECT value FROM meta WHERE key = 'boot'")


class Stored:
    """A container's row, and everything that the task looks up as text; ``known`` are the IDs of all containers."""

    __slots__ = ("known", "row", "text")

    def __init__(self, row: sqlite3.Row, text: str, known: frozenset[str]) -> None:
        self.row, self.text, self.known = row, text, known


def find(connection: sqlite3.Connection, name: str) -> Stored | None:
    """Return the stored rows of the container with this name, None if there is none; needs ``sqlite3.Row`` as row factory."""
    row = connection.execute(_CONTAINER, (name,)).fetchone()
    if row is None or not _is_id(row["id"]):
        return None
    queries = [(query, (row["id"],)) for query in _HELD] + [(query, ()) for query in (*_IMAGES, *_ENGINE)]
    looked_up = [tuple(row), *([*map(tuple, connection.execute(*query))] for query in queries)]
    known = frozenset(one["id"] for one in connection.execute("SELECT id FROM containers"))
    return Stored(row, repr(looked_up), known)


def _is_id(text: str) -> bool:
    """Return whether the text is an ID, and thus safe in paths."""
    return len(text) == _ID_LENGTH and _HEX.issuperset(text)


def read(database: str, name: str, *, leaving_nothing: bool) -> Stored | None:
    """Open a database and call ``find``; None also if it cannot be read. ``leaving_nothing``: do not change any file."""
    try:
        with closing(_open(database, leaving_nothing=leaving_nothing)) as connection:
            connection.row_factory = sqlite3.Row
            connection.execute("BEGIN")  # a consistent state throughout
            return find(connection, name)
    except (sqlite3.Error, UnicodeDecodeError):
        return None


def _open(database: str, *, leaving_nothing: bool) -> sqlite3.Connection:
    if not leaving_nothing:  # does not create a missing database either
        return sqlite3.connect(uri(database, "mode=rw"), uri=True, timeout=_PATIENCE, isolation_level=None)
    from ..errors import StateBusy
    from . import snapshot

    try:
        return snapshot.take(database, timeout=_PATIENCE)
    except StateBusy as error:
        raise sqlite3.OperationalError(str(error)) from error


def version(connection: sqlite3.Connection) -> tuple[int, int]:
    """Return a value that changes with every commit, by any connection; only comparable for the same connection."""
    return connection.execute("PRAGMA data_version").fetchone()[0], connection.total_changes
