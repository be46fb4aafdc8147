# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack, closing

import pytest

from _engine.kernel.files import directory
from _engine.trees.compare import changes
from _engine.trees.cursor import Cursor


@pytest.fixture
def compared(tmp_path):
    """Return a tree, and the function that lists its changes since it was copied."""
    top = tmp_path / "before"
    for path in ("a/b/c", "d", "e"):
        (top / path).mkdir(parents=True)
    for path in ("a/one", "a/b/two", "a/b/c/three", "d/four", "five"):
        (top / path).write_text(path)
    shutil.copytree(top, tmp_path / "now", symlinks=True)
    for path in ("before", "now"):
        for place, _names, files in os.walk(tmp_path / path):
            for name in files:
                os.utime(f"{place}/{name}", ns=(1, 1))

    def found():
        with ExitStack() as held:
            now, before = (
                held.enter_context(closing(Cursor(held.enter_context(directory(str(tmp_path / name))))))
                for name in ("now", "before")
            )
            return [(change.kind, change.path) for change in changes(now, before)]

    return tmp_path / "now", found


def test_nothing(compared):
    """An untouched copy has no changes."""
    assert compared[1]() == []


def test_all_kinds(compared):
    """Added, changed and deleted entries come in order: a new directory with its entries, a deleted alone."""
    now, found = compared
    (now / "a/one").write_text("a/onE")
    (now / "a/b/two").chmod(0o600)
    (now / "a/b/new").mkdir()
    (now / "a/b/new/x").touch()
    shutil.rmtree(now / "d")
    (now / "d").write_text("a file now")
    shutil.rmtree(now / "e")
    (now / "five").unlink()
    (now / "five").mkdir()
    (now / "five/y").touch()
    assert found() == [
        ("A", "a/b/new"),
        ("A", "a/b/new/x"),
        ("C", "a/b/two"),
        ("C", "a/one"),
        ("C", "d"),
        ("D", "e"),
        ("C", "five"),
        ("A", "five/y"),
    ]


def test_what_goes_meanwhile(compared, monkeypatch):
    """A directory that vanishes after it was listed is reported and not entered."""
    now, found = compared
    enter = Cursor.enter

    def removed(cursor, name):
        if name == "b":
            shutil.rmtree(now / "a/b", ignore_errors=True)
        enter(cursor, name)

    monkeypatch.setattr(Cursor, "enter", removed)
    assert found() == []
