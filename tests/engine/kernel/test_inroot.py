# SPDX-License-Identifier: GPL-3.0-or-later
"""Resolve paths inside roots with mounts, and create directories for other users."""

from __future__ import annotations

import os
import stat

import pytest

from _engine.kernel import inroot, mounts, untrusted_files


@pytest.fixture(params=["kernel", "walk"])
def open_in(request):
    """Return each of the two implementations."""
    return inroot._open_by_kernel if request.param == "kernel" else inroot._open_by_walk


def test_mounts_inside_the_root_are_crossed(open_in, place):
    """A path leads into a mount inside the root and back out of it."""
    (place / "mnt").mkdir()
    (place / "file").write_text("x")
    mounts.tmpfs(str(place / "mnt"), size=65536, mode=0o755)
    try:
        (place / "mnt/directory").mkdir()
        root = os.open(place, os.O_PATH)
        for path, found in (("mnt/directory/..", "mnt"), ("mnt/directory/../../file", "file")):
            fd = open_in(root, path, os.O_PATH)
            assert os.path.samestat(os.fstat(fd), os.stat(place / found))
            os.close(fd)
        os.close(root)
    finally:
        mounts.unmount(str(place / "mnt"))


def test_procfs_of_a_container_is_told_by_what_it_is(open_in, place):
    """Magic links are refused wherever procfs is mounted."""
    (place / "odd").mkdir()
    mounts.bind("/proc", str(place / "odd"), recursive=True)
    root = os.open(place, os.O_PATH)
    try:
        with pytest.raises(OSError, match="Too many levels"):
            open_in(root, f"odd/{os.getpid()}/root/etc", os.O_PATH)
    finally:
        os.close(root)
        mounts.unmount_below(str(place))


def test_a_device_is_not_opened_to_be_read(place):
    """A device in place of a file is refused without being opened."""
    os.mknod(place / "passwd", stat.S_IFCHR, os.makedev(0, 0))  # opening it would fail with ENXIO
    with pytest.raises(OSError, match="not a regular file"):
        untrusted_files.read_file(str(place), "passwd", limit=10)


def test_directories_are_made_for_their_owner(place):
    """New directories get the given owner; existing ones keep theirs."""
    (place / "there").mkdir(mode=0o755)
    root = os.open(place, os.O_PATH)
    try:
        os.close(inroot.make_directory(root, "there/a/b", mode=0o750, uid=1234, gid=2345))
    finally:
        os.close(root)
    seen = [os.stat(place / name) for name in ("there", "there/a", "there/a/b")]
    assert [(one.st_uid, one.st_gid) for one in seen] == [(0, 0), (1234, 2345), (1234, 2345)]
    assert stat.S_IMODE(seen[2].st_mode) == 0o750


def test_a_deleted_directory_is_no_path(place, monkeypatch):
    """A directory deleted while it was resolved is missing, although a file has the kernel's name for it."""
    (place / "gone").mkdir()
    (place / "gone (deleted)").mkdir()
    fd = os.open(place / "gone", os.O_PATH)
    os.rmdir(place / "gone")
    try:
        with pytest.raises(FileNotFoundError):
            inroot._host_path(fd, "gone")
    finally:
        os.close(fd)
