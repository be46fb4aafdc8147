# SPDX-License-Identifier: GPL-3.0-or-later
"""The stored rows of a container, without decoding."""

from __future__ import annotations

import os
import sqlite3

import pytest

from _engine.state import containers, images, meta, stored_rows, volumes
from _engine.state.database import open_database

#: What belongs to the container, or to what its options may name; ``config`` of an image is what its id is the digest of.
LOOKED_UP = ("containers", "container_volumes", "volumes", "image_names", "images")
NOT_LOOKED_UP = {("images", "config")}


@pytest.fixture
def stored(connection, container, volume, image):
    """Return a function that reads container ``web`` from a database with rows in each table."""
    volumes.insert(connection, volume("data"))
    images.insert(connection, image("1", ["localhost/app:1"]))
    containers.insert(connection, container("a", volumes={"/data": "data"}))
    meta.put(connection, meta.BOOT, "this")
    connection.execute("PRAGMA defer_foreign_keys = ON")
    connection.execute("SAVEPOINT stored")
    yield lambda: stored_rows.find(connection, "web")
    connection.execute("ROLLBACK TO stored")


def columns(connection):
    """Yield the table and the name of each column."""
    for table in LOOKED_UP:
        yield from ((table, row["name"]) for row in connection.execute(f"PRAGMA table_info({table})"))


def test_every_column_is_looked_at(connection, stored):
    """Any change of the container, its volumes, the images and their names changes the text."""
    before = stored().text
    assert before == stored().text
    same = set()
    for table, column in [*columns(connection)]:
        connection.execute("SAVEPOINT altered")
        connection.execute(f"UPDATE {table} SET {column} = 'other'")
        now = stored()
        if now is not None and now.text == before:
            same.add((table, column))
        connection.execute("ROLLBACK TO altered")
    assert same == NOT_LOOKED_UP


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO image_names SELECT 'localhost/more:1', id FROM images",
        "DELETE FROM image_names",
        "DELETE FROM container_volumes",
        "UPDATE meta SET value = 'other' WHERE key = 'boot'",
        "PRAGMA user_version = 1000",
    ],
)
def test_what_is_new_or_gone_is_seen(connection, stored, statement):
    """Adding or removing a name, removing a volume, another boot and another schema version change the text."""
    before = stored().text
    connection.execute(statement)
    assert stored().text != before


def test_another_container_is_none_of_its_business(connection, stored, container):
    """Changes of another container do not change the text; its ID is known."""
    before = stored()
    containers.insert(connection, container("b", name="other", image_id="sha256:2"))
    assert (stored().text, stored().known) == (before.text, before.known | {"b" * 64})


@pytest.mark.parametrize("name", ["none", "WEB", "web ", ""])
def test_no_such_container(connection, stored, name):
    """A container is found only by its exact name."""
    assert stored() is not None
    assert stored_rows.find(connection, name) is None


def test_an_id_that_is_none(connection, stored):
    """A row whose ID is not safe in paths is not read."""
    connection.execute("UPDATE containers SET id = '../../../../etc'")
    assert stored() is None


@pytest.mark.parametrize("leaving_nothing", [True, False])
def test_what_is_no_database(tmp_path, leaving_nothing):
    """An unreadable database yields nothing, and nothing is created."""
    path = tmp_path / "state.db"
    assert stored_rows.read(str(path), "web", leaving_nothing=leaving_nothing) is None
    assert os.listdir(tmp_path) == []
    path.write_bytes(b"no database" * 1000)
    assert stored_rows.read(str(path), "web", leaving_nothing=leaving_nothing) is None


@pytest.mark.parametrize("leaving_nothing", [True, False])
def test_a_database_by_its_path(path, container, leaving_nothing):
    """Reading by path and by connection have the same result."""
    with open_database(path) as database:
        with database.transaction() as connection:
            containers.insert(connection, container("a"))
        with database.reading() as connection:
            before = stored_rows.find(connection, "web")
        read = stored_rows.read(path, "web", leaving_nothing=leaving_nothing)
    assert (read.text, read.known, read.row["id"]) == (before.text, before.known, "a" * 64)


@pytest.mark.parametrize("own", [True, False])
def test_the_version_tells_what_was_saved_and_put_back(path, container, own):
    """A reverted change is detected, by this connection or by another."""
    with open_database(path) as database, open_database(path) as other:
        with database.transaction() as connection:
            containers.insert(connection, container("a"))
        versions = [version_of(database) for _twice in range(2)]
        for error in ("x", ""):
            with (database if own else other).transaction() as connection:
                connection.execute("UPDATE containers SET error = ?", (error,))
        assert versions[0] == versions[1] != version_of(database)


def version_of(database) -> tuple[int, int]:
    """Return the version, which differs after each change."""
    with database.reading() as connection:
        connection.execute("SELECT * FROM containers").fetchall()
        return stored_rows.version(connection)


def test_a_row_that_sqlite_cannot_read(path, container):
    """A damaged database is left to the full task."""
    with open_database(path) as database, database.transaction() as connection:
        containers.insert(connection, container("a"))
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE containers SET error = CAST(x'ff' AS TEXT)")
    assert stored_rows.read(path, "web", leaving_nothing=False) is None
