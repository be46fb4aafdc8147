# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import contextlib
import errno
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from _engine.errors import HostLacks
from _engine.trees import content
from _engine.trees.copy import CopyStats, copy_tree


@contextlib.contextmanager
def opened(path):
    """Yield the descriptor of a directory."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield fd
    finally:
        os.close(fd)


def copy(source, target) -> CopyStats:
    """Copy a directory to a new one."""
    target.mkdir(0o700)
    with opened(source) as source_fd, opened(target) as target_fd:
        return copy_tree(source_fd, target_fd)


def test_a_copy_equals_its_source_entry_by_entry(odd_tree, tmp_path, picture):
    """Owner, mode, times, attributes, links, devices and content are the same for each odd tree."""
    before = picture(odd_tree)
    copy(odd_tree, tmp_path / "copy")
    assert picture(tmp_path / "copy") == before
    assert picture(odd_tree) == before


def test_a_mounted_overlay_is_copied_as_it_is_seen(every_tree, tmp_path, picture, mount):
    """The copy is the merged view of both layers, whiteouts and opaque directories."""
    layers = {name: tmp_path / name for name in ("upper", "work")}
    for layer in layers.values():
        layer.mkdir()
    options = f"lowerdir={every_tree},upperdir={layers['upper']},workdir={layers['work']}"
    merged = mount("-t", "overlay", "overlay", "-o", options, at=tmp_path / "merged")
    (merged / "plain/file1").unlink()
    (merged / "plain/file4096").write_bytes(b"of the upper layer")
    shutil.rmtree(merged / "acls/dir")
    (merged / "acls/dir").mkdir()
    copy(merged, tmp_path / "copy")
    assert picture(tmp_path / "copy") == picture(merged)


def test_counts_entries_and_bytes(tmp_path):
    """Every name below the root is an entry; a hard-linked file counts its bytes once."""
    source = tmp_path / "source"
    (source / "dir").mkdir(parents=True)
    (source / "dir/file").write_bytes(b"12345")
    os.link(source / "dir/file", source / "same")
    (source / "link").symlink_to("same")
    assert copy(source, tmp_path / "copy") == CopyStats(entries=4, bytes=5)


@pytest.mark.parametrize(
    "refused", [(), ("_clones",), ("_clones", "_kernel_copies")], ids=lambda way: "+".join(way) or "all"
)
def test_holes_stay_holes_on_every_way_of_copying(refused, tmp_path):
    """A file of 64 MiB with 3 pieces of data takes as much space as its source."""
    offsets = (0, 30 << 20, (64 << 20) - 4096)
    with (tmp_path / "source").open("wb") as file:
        for offset in offsets:
            file.seek(offset)
            file.write(os.urandom(4096))
    copier = content.ContentCopier()
    for way in refused:
        setattr(copier, way, False)
    with (tmp_path / "source").open("rb") as source, (tmp_path / "copy").open("wb") as target:
        info = os.fstat(source.fileno())
        copier.copy(source.fileno(), target.fileno(), info)
    assert (tmp_path / "copy").stat().st_size == info.st_size
    assert (tmp_path / "copy").stat().st_blocks <= info.st_blocks
    subprocess.run(["cmp", tmp_path / "source", tmp_path / "copy"], check=True)


def test_access_times_are_those_from_before_the_copy(tmp_path):
    """Reading a file or a directory changes its access time, but the copy has the old one."""
    source = tmp_path / "source"
    (source / "dir").mkdir(parents=True)
    (source / "dir/file").write_bytes(b"x")
    paths = (source / "dir/file", source / "dir", source)
    for path in paths:
        os.utime(path, ns=(1_000_000_007, 2_000_000_000))
    copy(source, tmp_path / "copy")
    assert {(tmp_path / "copy" / path.relative_to(source)).stat().st_atime_ns for path in paths} == {
        1_000_000_007
    }


def test_2000_levels_need_neither_descriptors_nor_short_paths(deep_tree, tmp_path):
    """A tree beyond the limits of descriptors, recursion and PATH_MAX can be copied."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 256), hard))
    try:
        copied = copy(deep_tree, tmp_path / "copy")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert copied.entries == 2003
    listings = [
        subprocess.run(
            ["find", ".", "-printf", "%d %f %y %m %n %T@\n"], cwd=root, check=True, stdout=subprocess.PIPE
        ).stdout
        for root in (deep_tree, tmp_path / "copy")
    ]
    assert sorted(listings[0].splitlines()) == sorted(listings[1].splitlines())


def flags_of(path) -> str:
    """Return the inode flags as lsattr does, without the one that all files on ext4 have."""
    listed = subprocess.run(
        ["lsattr", "-d", path], check=True, stdout=subprocess.PIPE, text=True
    ).stdout.split()[0]
    return listed.replace("-", "").replace("e", "")


def test_immutable_and_append_only_are_kept(tmp_path, chattr):
    """The flags are set after links, content and times, also on directories."""
    source = tmp_path / "source"
    (source / "dir").mkdir(parents=True)
    flagged = {"dir/file": "i", "log": "a", "dir": "i"}
    for name in ("dir/file", "log"):
        (source / name).write_bytes(b"x")
    os.link(source / "dir/file", source / "same")
    for name, flag in flagged.items():
        chattr(f"+{flag}", source / name)
    copy(source, tmp_path / "copy")
    assert {name: flags_of(tmp_path / "copy" / name) for name in flagged} == flagged
    assert (tmp_path / "copy/same").samefile(tmp_path / "copy/dir/file")


def test_inherited_acls_do_not_reach_the_copy(tmp_path, picture):
    """A default ACL on the target's parent adds nothing to the copy."""
    (tmp_path / "source/dir").mkdir(parents=True)
    (tmp_path / "source/dir/file").write_bytes(b"x")
    parent = tmp_path / "parent"
    parent.mkdir()
    subprocess.run(["setfacl", "-d", "-m", "u:1234:rwx", parent], check=True)
    copy(tmp_path / "source", parent / "copy")
    assert picture(parent / "copy") == picture(tmp_path / "source")


def test_existing_files_are_not_written_to(tmp_path):
    """An existing name in the target is an error with its path, and the file stays."""
    for side, text in (("source", "new"), ("copy", "old")):
        (tmp_path / side / "dir").mkdir(parents=True)
        (tmp_path / side / "file").write_text(text)
    (tmp_path / "copy/dir").rmdir()
    with (
        opened(tmp_path / "source") as source,
        opened(tmp_path / "copy") as target,
        pytest.raises(FileExistsError, match="file"),
    ):
        copy_tree(source, target)
    assert (tmp_path / "copy/file").read_text() == "old"


def test_a_target_inside_the_source_is_refused(tmp_path):
    """A directory can't be copied into itself for ever."""
    with pytest.raises(OSError, match="inside its source") as failure:
        copy(tmp_path, tmp_path / "copy")
    assert failure.value.errno == errno.EINVAL


def test_no_descriptor_is_left_open(odd_tree, tmp_path):
    """A copy leaves no descriptor open."""
    before = len(os.listdir("/proc/self/fd"))
    copy(odd_tree, tmp_path / "copy")
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_device_that_may_not_be_made_is_named(tmp_path):
    """Without CAP_MKNOD the error has the path, the device number and a remedy."""
    source = tmp_path / "source"
    (source / "dev").mkdir(parents=True)
    os.mknod(source / "dev/null", 0o20666, os.makedev(1, 3))
    (tmp_path / "copy").mkdir()
    script = (
        "import os, sys; from _engine.trees.copy import copy_tree; from _engine.errors import HostLacks\n"
        "try: copy_tree(*(os.open(path, os.O_RDONLY) for path in sys.argv[1:]))\n"
        "except HostLacks as error: print(error)"
    )
    argv = ["setpriv", "--bounding-set", "-mknod", "--inh-caps", "-mknod", sys.executable, "-c", script]
    environment = {**os.environ, "PYTHONPATH": os.fspath(Path(content.__file__).parents[2])}
    told = subprocess.run(
        [*argv, source, tmp_path / "copy"], check=True, stdout=subprocess.PIPE, text=True, env=environment
    )
    assert "dev/null can't be copied: device or special file 1:3: Operation not permitted" in told.stdout
    assert "Run as root" in told.stdout


def test_an_attribute_that_the_target_cannot_hold_is_named(tmp_path, mount):
    """Without attributes on the file system the error has path and attribute."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "file").write_bytes(b"x")
    os.setxattr(source / "file", "user.kept", b"1")
    target = mount("-t", "ramfs", "ramfs", at=tmp_path / "mounted") / "copy"
    with pytest.raises(HostLacks, match=r"file can't be copied: extended attribute user\.kept"):
        copy(source, target)
