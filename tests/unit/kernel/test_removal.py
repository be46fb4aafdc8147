# SPDX-License-Identifier: GPL-3.0-or-later
"""Delete trees."""

from __future__ import annotations

import errno
import os
import resource
import socket
import subprocess
from contextlib import contextmanager

import pytest

from _engine.kernel.removal import _Descent, remove_tree

REMOVE = """
import sys
from _engine.kernel.removal import remove_tree
sys.stdin.readline()
remove_tree(sys.argv[1])
"""


@contextmanager
def few_descriptors(number: int):
    """Limit this process to that many further open files."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(name) for name in os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1 + number, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def make_deep(path, levels: int) -> None:
    """Create a tree deeper than the maximum length of a path, with a file on each level."""
    os.mkdir(path)
    fd = os.open(path, os.O_RDONLY)
    for _ignored in range(levels):
        os.close(os.open("file", os.O_CREAT, dir_fd=fd))
        os.mkdir("directory", dir_fd=fd)
        below = os.open("directory", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(fd)


def test_a_tree_is_deleted(tmp_path):
    """A directory is deleted with all kinds of files below it, and nothing else is."""
    tree = tmp_path / "tree"
    (tree / "a/b/c").mkdir(parents=True)
    (tree / "a/b/d").mkdir()
    (tree / "a/file").write_text("x")
    (tree / b"odd \xff\n name".decode("utf-8", "surrogateescape")).write_text("x")
    os.mkfifo(tree / "a/b/pipe")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(tree / "socket"))
    (tree / "a/closed").mkdir(mode=0)
    (tmp_path / "beside").touch()
    remove_tree(str(tree))
    assert os.listdir(tmp_path) == ["beside"]


def test_nothing_there_is_fine(tmp_path):
    """A missing path, even with missing parents, is not an error."""
    remove_tree(str(tmp_path / "nowhere"))
    remove_tree(str(tmp_path / "nowhere/below"))
    assert os.listdir(tmp_path) == []


def test_a_slash_at_the_end_will_do(tmp_path):
    """A path may have a trailing slash."""
    (tmp_path / "tree/a").mkdir(parents=True)
    remove_tree(f"{tmp_path}/tree/")
    assert os.listdir(tmp_path) == []


def test_symlinks_are_deleted_not_followed(tmp_path):
    """Symlinks in the tree are deleted, their targets are not."""
    (tmp_path / "precious/below").mkdir(parents=True)
    (tmp_path / "tree").mkdir()
    for name, target in (("abs", tmp_path / "precious"), ("rel", "../precious"), ("dangling", "nowhere")):
        (tmp_path / "tree" / name).symlink_to(target)
    remove_tree(str(tmp_path / "tree"))
    assert os.listdir(tmp_path) == ["precious"]
    assert os.listdir(tmp_path / "precious") == ["below"]


def test_a_symlink_itself_is_deleted(tmp_path):
    """A path that is a symlink is deleted, its target is not."""
    (tmp_path / "precious/below").mkdir(parents=True)
    (tmp_path / "link").symlink_to("precious")
    remove_tree(str(tmp_path / "link"))
    assert os.listdir(tmp_path) == ["precious"]
    assert os.listdir(tmp_path / "precious") == ["below"]


def test_a_file_is_deleted(tmp_path):
    """A path that is a file is deleted."""
    (tmp_path / "file").touch()
    remove_tree(str(tmp_path / "file"))
    assert os.listdir(tmp_path) == []


def test_no_tree_is_too_deep(tmp_path):
    """Thousands of levels are deleted with a few descriptors and without recursion."""
    make_deep(tmp_path / "tree", 2500)
    try:
        with few_descriptors(6):
            remove_tree(str(tmp_path / "tree"))
        assert os.listdir(tmp_path) == []
    finally:  # leftovers would be too deep for pytest
        subprocess.run(["rm", "-rf", tmp_path / "tree"], check=True)


def test_a_wide_tree_is_deleted(tmp_path):
    """A directory with many entries is deleted."""
    (tmp_path / "tree").mkdir()
    for number in range(1000):
        (tmp_path / f"tree/{number}").touch()
        if number % 3 == 0:
            (tmp_path / f"tree/d{number}").mkdir()
    remove_tree(str(tmp_path / "tree"))
    assert os.listdir(tmp_path) == []


def test_several_may_delete_the_same_tree(python, tmp_path):
    """Processes that delete the same tree at once all succeed."""
    for number in range(2000):
        os.makedirs(tmp_path / f"tree/{number % 7}/{number % 31}/{number}")
    workers = [python(REMOVE, tmp_path / "tree") for _ignored in range(3)]
    for worker in workers:
        worker.stdin.close()
    assert [worker.wait(60) for worker in workers] == [0, 0, 0]
    assert os.listdir(tmp_path) == []


def test_a_directory_moved_away_does_not_lead_out(tmp_path):
    """If a directory is moved out of the tree meanwhile, nothing is deleted at its new place."""
    (tmp_path / "tree/moved").mkdir(parents=True)
    (tmp_path / "tree/precious").mkdir()
    (tmp_path / "elsewhere/precious").mkdir(parents=True)
    descent = _Descent(str(tmp_path / "tree"), os.open(tmp_path / "tree", os.O_RDONLY))
    try:
        descent._strip("")
        descent._levels[-1].left.remove("moved")
        descent._down("moved")
        os.rename(tmp_path / "tree/moved", tmp_path / "elsewhere/moved")
        with pytest.raises(OSError, match="moved") as caught:
            descent._up()
    finally:
        os.close(descent._fd)
    assert caught.value.errno == errno.ESTALE
    assert sorted(os.listdir(tmp_path / "elsewhere")) == ["moved", "precious"]
