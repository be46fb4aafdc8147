# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import errno
import os
from contextlib import closing

import pytest

from _engine.trees.cursor import DIRECTORY, Cursor, open_directory, walk


@pytest.fixture
def root(tmp_path):
    """Return the descriptor of a directory with a/b/c and a file in each."""
    (tmp_path / "a/b/c").mkdir(parents=True)
    for directory in ("a", "a/b", "a/b/c"):
        (tmp_path / directory / "file").touch()
    fd = os.open(tmp_path, DIRECTORY)
    yield fd
    os.close(fd)


def test_walk_yields_every_entry_once_parents_first(root):
    """Each name comes with the directory that holds it."""
    seen = [
        (os.readlink(f"/proc/self/fd/{fd}").rpartition("/")[2], name) for fd, name, _ignored in walk(root)
    ]
    assert sorted(seen[1:]) == [("a", "b"), ("a", "file"), ("b", "c"), ("b", "file"), ("c", "file")]
    assert [name for _ignored, name in seen if name != "file"] == ["a", "b", "c"]


def test_walk_leaves_out_what_vanishes(root, tmp_path):
    """A file or directory that is deleted after it was listed is not an error."""
    seen = []
    for _ignored, name, _ignored in walk(root):
        seen.append(name)
        if name == "b":
            (tmp_path / "a/b/c/file").unlink()
            (tmp_path / "a/b/c").rmdir()
            (tmp_path / "a/b/file").unlink()
            (tmp_path / "a/b").rmdir()
    assert sorted(seen) == ["a", "b", "file"]


def test_a_directory_moved_elsewhere_is_no_way_out(root, tmp_path):
    """If the cursor's directory gets another parent, stepping up is an error (ESTALE)."""
    (tmp_path / "elsewhere").mkdir()
    with closing(Cursor(root)) as cursor:
        cursor.enter("a")
        cursor.enter("b")
        (tmp_path / "a/b").rename(tmp_path / "elsewhere/b")
        with pytest.raises(OSError, match="moved") as failure:
            cursor.leave()
    assert failure.value.errno == errno.ESTALE


def test_no_symlink_is_stepped_through(root, tmp_path):
    """A symlink to a directory is not entered, walked, or opened."""
    (tmp_path / "link").symlink_to("a")
    with closing(Cursor(root)) as cursor, pytest.raises(NotADirectoryError):
        cursor.enter("link")
    with pytest.raises(NotADirectoryError):
        open_directory(root, ["link", "b"])
    assert sum(1 for _ignored, name, _ignored in walk(root) if name == "file") == 3


def test_no_descriptor_is_left_open(root):
    """A complete walk, an abandoned one and a failed opening close their descriptors."""
    before = len(os.listdir("/proc/self/fd"))
    list(walk(root))
    given_up = walk(root)
    next(given_up)
    given_up.close()
    with pytest.raises(FileNotFoundError):
        open_directory(root, ["a", "absent"])
    assert len(os.listdir("/proc/self/fd")) == before
