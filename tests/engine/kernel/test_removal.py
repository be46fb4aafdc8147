# SPDX-License-Identifier: GPL-3.0-or-later
"""Delete trees with mounts and with protected files."""

from __future__ import annotations

import errno
import os
import stat
import subprocess

import pytest

from _engine.kernel import mounts
from _engine.kernel.removal import remove_tree


@pytest.fixture
def tree_with_mount(place):
    """Create a tree, and return a function that binds a precious directory somewhere in it."""
    (place / "precious/below").mkdir(parents=True)
    (place / "tree/a/mount").mkdir(parents=True)
    (place / "tree/file").touch()

    def show(where: str) -> None:
        mounts.bind(str(place / "precious"), str(place / where))

    yield show
    mounts.unmount_below(str(place))


@pytest.mark.parametrize("where", ["tree/a/mount", "tree/a", "tree"])
def test_a_tree_with_a_mount_is_left_whole(tree_with_mount, place, where):
    """A mount in the tree, even of the same file system, is an error before any deletion."""
    tree_with_mount(where)
    with pytest.raises(OSError, match="is a mount point") as caught:
        remove_tree(str(place / "tree"))
    assert (caught.value.errno, caught.value.filename) == (errno.EXDEV, str(place / where))
    assert os.listdir(place / "precious") == ["below"]
    mounts.unmount(str(place / where))
    assert sorted(os.listdir(place / "tree")) == ["a", "file"]
    remove_tree(str(place / "tree"))
    assert os.listdir(place) == ["precious"]


def test_a_mount_is_seen_through_a_symlink(tree_with_mount, place):
    """A path through a symlink does not hide the mount."""
    tree_with_mount("tree/a/mount")
    (place / "link").symlink_to(".")
    with pytest.raises(OSError, match="is a mount point"):
        remove_tree(str(place / "link/tree"))
    assert os.listdir(place / "precious") == ["below"]


def test_a_mount_that_comes_late_is_not_entered(place, monkeypatch):
    """A file system mounted after the check of mountinfo is not entered."""
    (place / "tree/mount").mkdir(parents=True)
    mounts.tmpfs(str(place / "tree/mount"), size=65536, mode=0o755)
    (place / "tree/mount/precious").touch()
    monkeypatch.setattr("_engine.kernel.removal._refuse_mounts", lambda _: None)
    try:
        with pytest.raises(OSError, match="is a mount point") as caught:
            remove_tree(str(place / "tree"))
        assert caught.value.filename == f"{place}/tree/mount"
        assert os.listdir(place / "tree/mount") == ["precious"]
    finally:
        mounts.unmount(str(place / "tree/mount"))


@pytest.mark.parametrize("flag", ["i", "a"])
@pytest.mark.parametrize("which", ["file", "directory", "directory/below", "directory/below/file"])
def test_marked_files_are_deleted(place, need, flag, which):
    """Immutable and append-only files and directories are deleted too."""
    (place / "tree/directory/below").mkdir(parents=True)
    (place / "tree/file").touch()
    (place / "tree/directory/below/file").touch()
    mark(place / "tree" / which, flag, need)
    try:
        remove_tree(str(place / "tree"))
        assert os.listdir(place) == []
    finally:
        subprocess.run(["chattr", "-R", f"-{flag}", place], check=False, capture_output=True)


def mark(path, flag: str, need) -> None:
    """Set a file's attribute with chattr."""
    done = subprocess.run(["chattr", f"+{flag}", path], check=False, capture_output=True)
    need(done.returncode == 0, "chattr, and a file system that keeps flags")


def test_an_immutable_file_elsewhere_stays_marked(place, need):
    """A hard link outside keeps the file, and files not in the way keep their attributes."""
    (place / "tree").mkdir()
    (place / "beside").touch()
    (place / "tree/file").touch()
    mark(place / "beside", "i", need)
    try:
        remove_tree(str(place / "tree"))
        with pytest.raises(PermissionError):
            (place / "beside").write_text("x")
    finally:
        subprocess.run(["chattr", "-i", place / "beside"], check=True)


def test_devices_and_whiteouts_are_deleted(place):
    """Device files, which are overlayfs's whiteouts, are deleted."""
    (place / "tree").mkdir()
    os.mknod(place / "tree/whiteout", stat.S_IFCHR, os.makedev(0, 0))
    os.mknod(place / "tree/null", stat.S_IFCHR | 0o600, os.makedev(1, 3))
    remove_tree(str(place / "tree"))
    assert os.listdir(place) == []
