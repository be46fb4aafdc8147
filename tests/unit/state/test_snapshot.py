# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

import pytest

from _engine.state import database
from _engine.state.database import open_database
from _engine.state.schema import MIGRATIONS

WRITE = (
    "opened = open_database(path)\n"
    "with opened.transaction() as c: c.execute('INSERT INTO meta VALUES (1, 1)')\n"
)


def files(path):
    """Return name, inode, size, time, mode and content of all files beside the database."""
    directory = os.path.dirname(path)
    found = {}
    for name in sorted(os.listdir(directory)):
        seen = os.stat(os.path.join(directory, name))
        with open(os.path.join(directory, name), "rb") as file:
            found[name] = (seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_mode, hash(file.read()))
    return found, os.stat(directory).st_mtime_ns


def rows(path):
    """Return the number of rows in a read-only database."""
    with open_database(path, read_only=True, timeout=5) as opened, opened.reading() as connection:
        return connection.execute("SELECT count(*) FROM meta").fetchone()[0]


def absent(path, process):
    """There is no database."""


def empty(path, process):
    """Create only the file, like a process that is killed then."""
    with open(path, "wb"):
        pass


def closed(path, process):
    """Write and close as the last process."""
    with open_database(path) as opened, opened.transaction() as connection:
        connection.execute("INSERT INTO meta VALUES (1, 1)")


def held_open(path, process):
    """Another process wrote and has it open."""
    process(WRITE + "wait()")


def held_open_unwritten(path, process):
    """Another process has it open and wrote nothing."""
    closed(path, process)
    process("opened = open_database(path)\nwait()")


def in_a_transaction(path, process):
    """Another process is in the middle of a transaction."""
    process(WRITE + "with opened.transaction() as c: c.execute('INSERT INTO meta VALUES (2, 2)'); wait()")


def being_read(path, process):
    """Another process is reading."""
    process(WRITE + "with opened.reading() as c: c.execute('SELECT * FROM meta').fetchall(); wait()")


def killed(path, process):
    """Kill the process that wrote; the -wal has its commits."""
    child = process(WRITE + "wait()")
    child.kill()
    child.wait()
    assert os.path.getsize(f"{path}-wal")


def restored_without_shm(path, process):
    """Leave copies of the database and its -wal, without a -shm."""
    killed(path, process)
    os.unlink(f"{path}-shm")


def read_by_another_program(path, process):
    """Create an empty -wal and a -shm by SQLite's own read-only mode."""
    closed(path, process)
    other = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    other.execute("SELECT * FROM meta").fetchall()
    other.close()
    assert os.path.exists(f"{path}-shm")


@pytest.mark.parametrize(
    ("situation", "expected"),
    [
        (absent, 0),
        (empty, 0),
        (closed, 1),
        (held_open, 1),
        (held_open_unwritten, 1),
        (in_a_transaction, 1),
        (being_read, 1),
        (killed, 1),
        (restored_without_shm, 1),
        (read_by_another_program, 1),
    ],
)
def test_reading_changes_no_file(path, process, situation, expected):
    """A read-only database shows all commits and changes no file, in any state of the files."""
    situation(path, process)
    before = files(path)
    assert rows(path) == expected
    assert files(path) == before


def test_an_odd_path_is_read(tmp_path):
    """Characters in a path that are special in URIs have no effect."""
    path = str(tmp_path / "50%3f ?#&x=1.db")
    closed(path, None)
    assert rows(path) == 1


def test_an_older_database_is_read_as_it_will_be(path, monkeypatch):
    """Check mode sees an older database migrated, but the file is not changed."""
    closed(path, None)
    monkeypatch.setattr(database, "MIGRATIONS", (*MIGRATIONS, "CREATE TABLE more (a);\n"))
    before = files(path)
    with open_database(path, read_only=True) as opened, opened.reading() as connection:
        assert connection.execute("SELECT * FROM more").fetchall() == []
    assert files(path) == before


def test_nothing_can_be_written_to_it(path):
    """Writing to a read-only database is an error."""
    closed(path, None)
    with open_database(path, read_only=True) as opened, opened.reading() as connection:  # noqa: SIM117 pylint's wish
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            connection.execute("DELETE FROM meta")


@pytest.mark.parametrize("pause", [0, 0.03])
def test_snapshots_are_whole_beside_a_busy_writer(path, process, pause):
    """Each snapshot is consistent while another process repeatedly opens, writes and closes."""
    # The two rows that change together lie at the ends of a big file, so that a torn copy has them differ.
    code = (
        "with open_database(path) as opened, opened.transaction() as c:\n"
        "    for key in range(4000): c.execute('INSERT INTO meta VALUES (?, ?)', (f'{key:04}', '0' * 1000))\n"
        "print(flush=True)\n"
        "for number in range(10**6):\n"
        f"    time.sleep({pause})\n"
        "    with open_database(path) as opened, opened.transaction() as c:\n"
        "        c.execute('UPDATE meta SET value = ? WHERE key = ? OR key = ?', (str(number), '0000', '3999'))\n"
    )
    process(code)
    seen = set()
    end = time.monotonic() + 2
    while time.monotonic() < end:
        with open_database(path, read_only=True) as opened, opened.reading() as connection:
            found = connection.execute("SELECT value FROM meta WHERE key IN ('0000', '3999')").fetchall()
        assert len({row["value"] for row in found}) == 1
        seen.add(found[0]["value"])
    assert len(seen) > 5


def test_a_damaged_index_of_the_log_hides_nothing(path):
    """If the -shm is garbage, a private copy is read after SQLite has given up; no file is changed."""
    with open_database(path) as opened:
        with opened.transaction() as connection:
            connection.execute("INSERT INTO meta VALUES ('a', 'x')")
        kept = {end: Path(f"{path}{end}").read_bytes() for end in ("", "-wal")}
    for end, content in {**kept, "-shm": b"garbage" * 5000}.items():
        Path(f"{path}{end}").write_bytes(content)
    with open_database(path, read_only=True) as opened, opened.reading() as connection:
        assert connection.execute("SELECT value FROM meta WHERE key = 'a'").fetchone()[0] == "x"
    assert Path(f"{path}-shm").read_bytes() == b"garbage" * 5000


def test_an_index_that_another_program_is_to_make_anew_hides_nothing(path, process):
    """If another process prevents the recovery of the -shm, a private copy is read."""
    process(WRITE + "wait()")
    with open(f"{path}-shm", "r+b") as index:
        index.write(b"\xff" * 96)
    before = files(path)
    assert rows(path) == 1
    assert files(path) == before
