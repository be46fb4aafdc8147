# SPDX-License-Identifier: GPL-3.0-or-later
"""Trees are made equal: only differences are written, files atomically, and no symlink is followed."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tarfile
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from _engine.errors import ArchiveBroken, UnsafeEntry
from _engine.kernel import libc, mounts
from _engine.model.values.globs import matcher
from _engine.trees.place import Place
from _engine.trees.sync import Attributes, KindDiffers, below, memory, with_attributes
from _engine.trees.sync_archive import read_archive
from _engine.trees.sync_source import CannotCopy, read_one, read_tree
from _engine.trees.sync_target import sync


@contextmanager
def place(path: Path, inner: str = "", *, through: bool = False):
    """Return a directory, itself the root or ``inner`` in it."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield Place(fd, inner, through=through)
    finally:
        os.close(fd)


@pytest.fixture
def source(tmp_path):
    """Return a tree with one of every kind that is copied."""
    top = tmp_path / "source"
    (top / "dir/sub").mkdir(parents=True)
    (top / "file").write_text("text\n")
    (top / "dir/binary").write_bytes(b"\0\xff" * 50_000)
    (top / "dir/sub" / os.fsdecode(b"\xff name")).write_text("x")
    os.symlink("/etc/passwd", top / "dir/link")
    os.symlink("nowhere", top / "dangling")
    (top / "empty").mkdir()
    with open(top / "sparse", "wb") as file:
        file.truncate(5_000_000)
        file.seek(1_000_000)
        file.write(b"x" * 70_000)
    os.chown(top / "dir/sub", 7, 8)
    os.chown(top / "dir/link", 9, 9, follow_symlinks=False)
    os.chmod(top / "dir", 0o2750)
    os.chown(top / "file", 5, 6)
    os.chmod(top / "file", 0o4711)
    return top


@pytest.fixture
def target(tmp_path):
    """Return an empty directory."""
    top = tmp_path / "target"
    top.mkdir()
    return top


def copied(source: Path, target: Path, **options):
    """Make the target match the source's tree."""
    with place(source) as from_there, place(target) as there:
        excluded = options.get("excluded", lambda _path: False)
        return sync(read_tree(from_there, excluded=excluded), there, **options)


def seen(top: Path) -> dict[str, tuple]:
    """Return all entries below a directory, with what a copy preserves."""
    found = {}
    for path in sorted(top.rglob("*")):
        info = path.lstat()
        content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        mode = 0 if path.is_symlink() else stat.S_IMODE(info.st_mode)
        found[str(path.relative_to(top))] = (
            stat.S_IFMT(info.st_mode),
            mode,
            info.st_uid,
            info.st_gid,
            content,
        )
    return found


def inodes(top: Path) -> dict[str, int]:
    """Return the inode of each path."""
    return {str(path): path.lstat().st_ino for path in top.rglob("*")}


def test_equal_at_once_and_untouched_then(source, target):
    """The first run copies everything, holes and owners included; the second changes no inode."""
    first = copied(source, target)
    assert seen(target) == seen(source)
    assert {change.what for change in first.changes} == {("create",)}
    assert (target / "sparse").stat().st_blocks * 512 < 200_000
    before = inodes(target)
    assert copied(source, target).changes == []
    assert inodes(target) == before


def test_only_what_differs_is_written(source, target):
    """A changed file is replaced, a changed mode is set, all others keep their inodes."""
    copied(source, target)
    before = inodes(target)
    (source / "file").write_text("other\n")
    os.chmod(source / "dir/binary", 0o600)
    told = copied(source, target, diff=True)
    assert dict(told.changes) == {"file": ("content",), "dir/binary": ("mode",)}
    assert seen(target) == seen(source)
    changed = {path for path, inode in inodes(target).items() if before[path] != inode}
    assert changed == {str(target / "file")}
    by_path = {item["after_header"]: (item["before"], item["after"]) for item in told.diff}
    assert by_path == {"file": ("text\n", "other\n"), "dir/binary": ("mode: 0644\n", "mode: 0600\n")}


def test_a_prediction_writes_nothing(source, target):
    """Check mode predicts the changes, and writes nothing."""
    (target / "file").write_text("before\n")
    before = seen(target), os.stat(target).st_mtime_ns
    predicted = copied(source, target, predicting=True, diff=True)
    assert (seen(target), os.stat(target).st_mtime_ns) == before
    assert predicted == copied(source, target, diff=True)


def test_a_diff_shows_text_alone(source, target):
    """A binary or large file is shown by its size."""
    (source / "large").write_text("x" * 70_000)
    told = {item["after_header"]: item["after"] for item in copied(source, target, diff=True).diff}
    assert told["dir/binary"] == "file of 100000 bytes\n"
    assert told["large"] == "file of 70000 bytes\n"
    assert told["file"] == "text\n"
    assert told["dir/link"] == "symlink to /etc/passwd\n"
    assert told["dir"] == "directory\n"


def test_delete_leaves_what_is_excluded_and_other_mounts(source, target):
    """Other entries are deleted, except excluded ones, mounts, and their parents."""
    copied(source, target)
    (target / "dir/old/deep").mkdir(parents=True)
    (target / "dir/old/deep/file").touch()
    (target / "cache/mine").mkdir(parents=True)
    (target / "cache/mine/x.log").touch()
    (target / "cache/mine/gone").touch()
    (target / "volume/mounted").mkdir(parents=True)
    mounts.tmpfs(str(target / "volume/mounted"), size=1 << 20, mode=0o700)
    try:
        (target / "volume/mounted/data").touch()
        told = copied(source, target, delete=True, excluded=matcher("exclude", ["*.log"]))
        assert (target / "volume/mounted/data").exists()
    finally:
        mounts.unmount(str(target / "volume/mounted"))
    gone = [change.path for change in told.changes]
    assert gone == ["dir/old/deep/file", "dir/old/deep", "dir/old", "cache/mine/gone"]
    assert (target / "cache/mine/x.log").exists()
    assert (target / "volume/mounted").exists()


def test_a_symlink_in_the_target_is_no_directory(source, target, tmp_path):
    """A symlink in a directory's place is refused before any write, or replaced, never followed."""
    outside = tmp_path / "outside"
    outside.mkdir()
    os.symlink(outside, target / "dir")
    with pytest.raises(KindDiffers):
        copied(source, target)
    assert sorted(os.listdir(target)) == ["dir"]
    copied(source, target, overwrite=True)
    assert seen(target) == seen(source)
    assert os.listdir(outside) == []


def test_through_symlinks_inside_the_root(source, tmp_path):
    """With through, a symlink to a directory counts as the directory, as /lib of most images."""
    root = tmp_path / "root"
    (root / "usr/lib").mkdir(parents=True)
    os.symlink("/usr/lib", root / "dir")
    with place(source) as from_there, place(root, through=True) as there:
        tree = read_tree(from_there)
        sync(tree, there)
        assert sync(tree, there).changes == []
    assert (root / "dir").is_symlink()
    assert (root / "usr/lib/binary").exists()


def test_kinds_change_when_said(source, target):
    """Files, symlinks and directories replace each other with overwrite; a file becomes a symlink without."""
    (target / "dir").write_text("a file")
    (target / "file").mkdir()
    (target / "file/full").touch()
    (target / "dangling").write_text("a file")
    copied(source, target, overwrite=True)
    assert seen(target) == seen(source)
    (target / "dangling").unlink()
    (target / "dangling").write_text("a file")
    assert [change.what for change in copied(source, target).changes] == [("kind",)]


def test_followed_symlinks(tmp_path, target):
    """With through, a source's symlinks are followed inside its root; a loop is an error."""
    root = tmp_path / "root"
    (root / "etc/conf").mkdir(parents=True)
    (root / "etc/conf/x").write_text("inside")
    (root / "src").mkdir()
    os.symlink("/etc/conf", root / "src/conf")
    os.symlink("/etc/conf/x", root / "src/file")
    with place(root, "src", through=True) as from_there, place(target) as there:
        sync(read_tree(from_there), there)
    assert (target / "file").read_text() == (target / "conf/x").read_text() == "inside"
    assert not (target / "conf").is_symlink()
    os.symlink("/src", root / "src/round")
    with place(root, "src", through=True) as from_there, pytest.raises(OSError, match="Too many levels"):
        read_tree(from_there)


@pytest.mark.parametrize("kind", [stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFCHR])
def test_special_files_are_named(source, target, kind):
    """A device, FIFO or socket in the source is an error that names it, unless it is excluded."""
    os.mknod(source / "dir/odd", kind | 0o600, os.makedev(1, 3))
    with pytest.raises(CannotCopy) as told:
        copied(source, target)
    assert told.value.fields["path"] == "dir/odd"
    copied(source, target, excluded=matcher("exclude", ["odd"]))
    assert not (target / "dir/odd").exists()


def test_a_device_in_the_target_is_not_opened(target):
    """A device or FIFO in a file's place is replaced, and never opened."""
    os.mkfifo(target / "f")
    with place(target) as there:
        assert sync({"f": memory(b"x")}, there).changes[0].what == ("kind",)
    assert (target / "f").read_text() == "x"


def test_one_file_from_memory(target):
    """A file with given content gets the task's owner and mode, and its parents are created."""
    tree = with_attributes(below({"f": memory(b"x")}, "a/b"), Attributes(uid=3, gid=4, mode=0o600))
    with place(target) as there:
        sync(tree, there)
        assert sync(tree, there).changes == []
    info = (target / "a/b/f").stat()
    assert (info.st_uid, info.st_gid, stat.S_IMODE(info.st_mode)) == (3, 4, 0o600)
    assert stat.S_IMODE((target / "a/b").stat().st_mode) == 0o755


def test_what_is_sent(source, target, tmp_path):
    """A tar from the controller results in the same tree, without its owners."""
    archive = tmp_path / "sent.tar"
    with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as tar:
        for name in os.listdir(source):
            tar.add(source / name, name)
    with place(target) as there:
        tree = read_archive(str(archive))
        sync(tree, there)
        assert sync(tree, there).changes == []
    got, sent = seen(target), seen(source)
    assert {path: (*info[:2], info[4]) for path, info in got.items()} == {
        path: (*info[:2], info[4]) for path, info in sent.items()
    }
    assert {info[2:4] for info in got.values()} == {(0, 0)}


@pytest.mark.parametrize("name", ["../x", "/x", "a/../x", "a//x", "."])
def test_unsafe_names_are_refused(tmp_path, name):
    """A tar with a name that leads elsewhere is refused."""
    archive = tmp_path / "sent.tar"
    with tarfile.open(archive, "w") as tar:
        tar.addfile(tarfile.TarInfo(name))
    with pytest.raises(UnsafeEntry):
        read_archive(str(archive))


def test_a_cut_archive(source, target, tmp_path):
    """A truncated tar is an error, and the existing file stays."""
    archive = tmp_path / "sent.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(source / "dir/binary", "f")
    os.truncate(archive, 40_000)
    (target / "f").write_text("before")
    with place(target) as there, pytest.raises(ArchiveBroken):
        sync(read_archive(str(archive)), there)
    assert os.listdir(target) == ["f"]
    assert (target / "f").read_text() == "before"


def test_each_file_appears_whole(target, tmp_path, tree):
    """A copy that is killed at any point leaves each file either old or new."""
    script = (
        "import os, sys\n"
        "from _engine.trees.place import Place\n"
        "from _engine.trees.sync import memory\n"
        "from _engine.trees.sync_target import sync\n"
        "fd = os.open(sys.argv[1], os.O_RDONLY)\n"
        "for letter in (b'a', b'b') * 10000:\n"
        "    sync({'f': memory(letter * 1000000)}, Place(fd, ''))\n"
        "    print(flush=True)\n"
    )
    for delay in range(8):
        env = {**os.environ, "PYTHONPATH": str(tree / "plugins/module_utils")}
        with subprocess.Popen(
            [sys.executable, "-c", script, target], env=env, stdout=subprocess.PIPE
        ) as child:
            child.stdout.readline()
            time.sleep(delay / 500)
            child.kill()
        content = (target / "f").read_bytes()
        assert len(content) == 1_000_000
        assert content in (b"a" * 1_000_000, b"b" * 1_000_000)


def test_read_only_is_told_with_the_path(source, target):
    """An error of writing names the path."""
    mounts.bind(str(target), str(target))
    try:
        mounts.restrict(str(target), libc.MS_RDONLY)
        with pytest.raises(OSError, match="Read-only file system: 'dangling'"):
            copied(source, target)
    finally:
        mounts.unmount(str(target))


def test_one_thing_alone(source):
    """A single file, directory or symlink is read by its name; a missing one is None."""
    with place(source) as from_there:
        kinds = {name: read_one(from_there, [name]) for name in ("file", "dir", "dangling", "nothing")}
    assert {name: wanted and wanted.kind for name, wanted in kinds.items()} == {
        "file": "file",
        "dir": "directory",
        "dangling": "symlink",
        "nothing": None,
    }
