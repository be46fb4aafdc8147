# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
import os
import random
import shutil
import sqlite3
import stat
import time

import pytest

from _engine.errors import (
    EngineError,
    StateBusy,
    StateCorrupt,
    StateReadOnly,
    StateTooNew,
    StateUnreachable,
    StoreFull,
)
from _engine.state import database
from _engine.state.database import open_database
from _engine.state.failures import opening, translated
from _engine.state.schema import MIGRATIONS


def meta(connection):
    """Return the rows of a plain table."""
    return dict(connection.execute("SELECT key, value FROM meta ORDER BY key").fetchall())


def put(connection, key, value="x"):
    """Add a row to it."""
    connection.execute("INSERT INTO meta (key, value) VALUES (?, ?)", (key, value))


def pragma(connection, name):
    """Return a setting's value."""
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


def test_a_new_database_is_private_and_durable(path):
    """Only the owner can read its files, and a commit is on disk before it returns."""
    before = os.umask(0)
    try:
        with open_database(path) as opened, opened.transaction() as connection:
            put(connection, "a")
    finally:
        os.umask(before)
    with open_database(path) as opened, opened.transaction() as connection:
        put(connection, "b")
        modes = {name: stat.S_IMODE(os.stat(f"{path}{name}").st_mode) for name in ("", "-wal", "-shm")}
    assert modes == {"": 0o600, "-wal": 0o600, "-shm": 0o600}
    with open_database(path) as opened, opened.reading() as connection:
        settings = {
            name: pragma(connection, name) for name in ("foreign_keys", "synchronous", "journal_mode")
        }
    assert settings == {"foreign_keys": 1, "synchronous": 2, "journal_mode": "wal"}


def test_a_transaction_that_need_not_be_durable(path):
    """A transaction that is not durable needs no sync; the next one syncs again, also after a failure."""
    with open_database(path) as opened:
        with opened.transaction(durable=False) as connection:
            put(connection, "a")
            assert pragma(connection, "synchronous") == 1
        with pytest.raises(StateCorrupt), opened.transaction(durable=False) as connection:
            connection.execute("INSERT INTO meta VALUES ('a', 1)")
        with opened.transaction() as connection:
            assert pragma(connection, "synchronous") == 2
    with open_database(path) as opened, opened.reading() as connection:
        assert [row["key"] for row in connection.execute("SELECT key FROM meta WHERE value = 'x'")] == ["a"]


def test_closing_leaves_one_file(path):
    """A closed database is a single file."""
    with open_database(path) as opened, opened.transaction() as connection:
        put(connection, "a")
    assert os.listdir(os.path.dirname(path)) == ["state.db"]


def test_a_transaction_is_all_or_nothing(path):
    """A block's changes are committed at its end, and rolled back if it raises."""
    with open_database(path) as opened:
        with opened.transaction() as connection:
            put(connection, "kept")
        with pytest.raises(StateCorrupt), opened.transaction() as connection:
            connection.executemany("INSERT INTO meta VALUES (?, 1)", [("lost",), ("kept",)])
        with opened.reading() as connection:
            assert meta(connection) == {"kept": "x"}


def test_reading_sees_one_state(path):
    """A concurrent write is seen by the next reading, not by the current one."""
    with open_database(path) as reader, open_database(path) as writer:
        with reader.reading() as connection:
            before = meta(connection)
            with writer.transaction() as other:
                put(other, "new")
            assert meta(connection) == before == {}
        with reader.reading() as connection:
            assert meta(connection) == {"new": "x"}


def test_a_lock_held_too_long_is_busy(path):
    """A writer waits for another until the timeout, then raises an error with path and remedy."""
    with open_database(path) as first, open_database(path, timeout=0.2) as second, first.transaction():
        began = time.monotonic()
        with pytest.raises(StateBusy) as caught, second.transaction():
            pass
    assert 0.1 < time.monotonic() - began < 10
    assert path in caught.value.message
    assert "fuser" in caught.value.remedy


def read_all(path, *, read_only):
    """Read something from more than one page."""
    with open_database(path, read_only=read_only, timeout=1) as opened, opened.reading() as connection:
        meta(connection)
        connection.execute("SELECT * FROM containers").fetchall()


def write_garbage(path):
    """Replace the database by something else."""
    with open(path, "wb") as file:
        file.write(b"this is no database, whatever its name says\n" * 100)


def cut(path):
    """Truncate the database."""
    with open_database(path):
        pass
    os.truncate(path, 5000)


def overwrite(path):
    """Overwrite the database except its first page."""
    with open_database(path):
        pass
    with open(path, "r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (os.path.getsize(path) - 4096))


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize("damage", [write_garbage, cut, overwrite])
def test_damage_is_said_with_a_way_out(path, damage, read_only):
    """A damaged file is StateCorrupt with the path; the remedy does not lose track of running containers."""
    damage(path)
    with pytest.raises(StateCorrupt) as caught:
        read_all(path, read_only=read_only)
    assert caught.value.fields["path"] == path
    assert f"slipway --root {os.path.dirname(path)} store rebuild" in caught.value.remedy
    assert "Do not just remove it" in caught.value.remedy


@pytest.mark.parametrize("read_only", [False, True])
def test_what_is_no_file_is_no_damage(path, read_only):
    """A directory in place of the database is an error, but not reported as damage."""
    os.mkdir(path)
    with pytest.raises(StateUnreachable) as caught:
        read_all(path, read_only=read_only)
    assert caught.value.code == "state_unreachable"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("database is locked", "state_busy"),
        ("database table is locked", "state_busy"),
        ("locking protocol", "state_busy"),
        ("attempt to write a readonly database", "state_read_only"),
        ("disk I/O error", "state_failing"),
        ("out of memory", "state_failing"),
        ("database or disk is full", "store_full"),
        ("unable to open database file", "state_unreachable"),
        ("access permission denied", "state_denied"),
        ("authorization denied", "state_denied"),
        ("database disk image is malformed", "state_corrupt"),
        ("malformed database schema (x)", "state_corrupt"),
        ("file is not a database", "state_corrupt"),
        ("no such column: spec", "state_corrupt"),
        ("Could not decode to UTF-8 column 'spec' with text 'x'", "state_corrupt"),
    ],
)
def test_each_failure_is_told_as_what_it_is(path, text, code):
    """SQLite's errors without a code (Python before 3.11) are translated, and only damage is reported as damage."""
    with open_database(path), pytest.raises(EngineError) as caught, translated(path):
        raise sqlite3.OperationalError(text)
    assert caught.value.code == code
    assert ("store rebuild" in caught.value.remedy) == (code in ("state_corrupt", "state_unreachable"))


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.EROFS, "state_read_only"),
        (errno.EIO, "state_failing"),
        (errno.ENOSPC, "store_full"),
        (errno.EDQUOT, "store_full"),
        (errno.EACCES, "state_denied"),
        (errno.ENOENT, "state_unreachable"),
        (errno.ELOOP, "state_unreachable"),
    ],
)
def test_what_the_system_refuses_is_told_likewise(path, number, code):
    """Errors of system calls on the database's files are translated like SQLite's."""
    with pytest.raises(EngineError) as caught, opening(path):
        raise OSError(number, os.strerror(number), path)
    assert caught.value.code == code


@pytest.mark.parametrize("read_only", [False, True])
def test_a_newer_database_is_refused(path, read_only):
    """A database of a newer version is not changed."""
    with open_database(path) as opened, opened.transaction() as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    with pytest.raises(StateTooNew) as caught:
        open_database(path, read_only=read_only)
    assert caught.value.fields["version"] == len(MIGRATIONS) + 1


def test_a_full_disk_loses_the_transaction_only(path):
    """A full disk is StoreFull; earlier changes are kept, and the database works again with free space."""
    with open_database(path) as opened:
        with opened.transaction() as connection:
            put(connection, "kept")
            pages = pragma(connection, "page_count")
            connection.execute(f"PRAGMA max_page_count = {pages + 2}")
        with pytest.raises(StoreFull) as caught, opened.transaction() as connection:
            put(connection, "big", "x" * 100_000)
        assert os.path.dirname(path) in caught.value.remedy
        with opened.transaction() as connection:
            assert meta(connection) == {"kept": "x"}


def test_a_disk_that_cannot_be_written_is_no_damage(path):
    """A database on a read-only disk is StateReadOnly, and the remedy does not suggest moving it."""
    with open_database(path) as opened:
        with opened.reading() as connection:
            connection.execute("PRAGMA query_only = 1")
        with pytest.raises(StateReadOnly, match="readonly") as caught, opened.transaction() as connection:
            put(connection, "lost")
        assert "findmnt" in caught.value.remedy
        with opened.reading() as connection:
            assert meta(connection) == {}


def test_other_errors_pass(path):
    """A wrong statement is a bug, not damage, and keeps SQLite's error."""
    with (
        open_database(path) as opened,
        pytest.raises(sqlite3.OperationalError),
        opened.transaction() as connection,
    ):
        connection.execute("SELECT FROM WHERE")


def test_no_directory(path):
    """The database cannot be created without its directory."""
    with pytest.raises(StateUnreachable, match="No such file"):
        open_database(f"{path}/deeper/state.db")


def test_migrations_go_on_from_where_the_database_is(path, monkeypatch):
    """An older database is migrated; a failed migration leaves the previous version intact."""
    with open_database(path) as opened, opened.transaction() as connection:
        put(connection, "old")
    second = "ALTER TABLE meta ADD COLUMN extra TEXT;\nCREATE TABLE more (a);\n"
    monkeypatch.setattr(
        database, "MIGRATIONS", (*MIGRATIONS, second, "CREATE TABLE third (a);\nCREATE nonsense;\n")
    )
    with pytest.raises(sqlite3.OperationalError):
        open_database(path)
    monkeypatch.setattr(database, "MIGRATIONS", (*MIGRATIONS, second))
    with open_database(path) as opened, opened.reading() as connection:
        tables = {row["name"] for row in connection.execute("SELECT name FROM sqlite_master")}
        assert meta(connection) == {"old": "x"}
        assert pragma(connection, "user_version") == len(MIGRATIONS) + 1
    assert "more" in tables
    assert "third" not in tables


def test_many_open_a_new_database_at_once(path, process):
    """Processes that create the database simultaneously get the same one, and lose nothing."""
    code = (
        "import sys; print(flush=True); sys.stdin.readline()\n"
        "with open_database(path) as opened, opened.transaction() as connection:\n"
        "    connection.execute('INSERT INTO meta VALUES (?, 1)', (str(os.getpid()),))\n"
    )
    for _round in range(5):
        children = [process(code) for _child in range(6)]
        for child in children:
            child.stdin.write(b"\n")
            child.stdin.flush()
        assert [child.wait(60) for child in children] == [0] * 6
        with open_database(path) as opened, opened.reading() as connection:
            assert set(meta(connection)) == {str(child.pid) for child in children}
        shutil.rmtree(os.path.dirname(path))
        os.mkdir(os.path.dirname(path))


def test_a_new_file_that_is_locked_is_waited_for(path, process):
    """A process waits while another one creates the database, although SQLite itself would fail."""
    process(
        "import sqlite3; other = sqlite3.connect(path, isolation_level=None); other.execute('BEGIN IMMEDIATE')\n"
        "print(flush=True); time.sleep(0.3); other.execute('ROLLBACK'); sys.stdin.read()\n"
    )
    with open_database(path) as opened, opened.reading() as connection:
        assert pragma(connection, "journal_mode") == "wal"


def test_a_kill_loses_nothing_that_was_saved(path, process):
    """After a kill of the writer at any point, its commits are kept, and the database is intact."""
    code = (
        "print(flush=True)\n"
        "for number in range(10**6):\n"
        "    with open_database(path) as opened, opened.transaction() as connection:\n"
        "        row = (str(number % 50), str(number))\n"
        "        connection.execute('INSERT OR REPLACE INTO meta VALUES (?, ?)', row)\n"
        "    print(number, flush=True)\n"
    )
    for _round in range(10):
        child = process(code)
        time.sleep(random.uniform(0.05, 0.3))
        child.kill()
        said = child.stdout.read().split(b"\n")
        saved = int(said[-2]) if len(said) > 1 else -1
        with open_database(path) as opened, opened.reading() as connection:
            assert pragma(connection, "integrity_check") == "ok"
            numbers = [int(value) for value in meta(connection).values()]
        assert max(numbers, default=-1) >= saved
