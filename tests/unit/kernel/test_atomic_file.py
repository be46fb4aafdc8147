# SPDX-License-Identifier: GPL-3.0-or-later
"""A file that has no name until it is complete."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import closing

import pytest

from _engine.kernel.atomic_file import FreshFile


@pytest.fixture(params=["nameless", "named"])
def way(request, monkeypatch):
    """Run with a file system that supports unnamed files, and with one that does not."""
    if request.param == "named":
        opened = os.open

        def refuse(path, flags, *arguments, **words):
            if flags & os.O_TMPFILE == os.O_TMPFILE:
                raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
            return opened(path, flags, *arguments, **words)

        monkeypatch.setattr(os, "open", refuse)
    return request.param


def test_placed(tmp_path, way):
    """A placed file has its content and its mode, and leaves no other file."""
    path = tmp_path / "file"
    with closing(FreshFile(str(path))) as fresh:
        os.write(fresh.fd, b"content")
        assert len(os.listdir(tmp_path)) == (way == "named")
        fresh.place()
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"content", 0o600)
    assert os.listdir(tmp_path) == ["file"]


def test_replaced(tmp_path, way):
    """It replaces the old file and takes its mode; readers that have the old one open keep it."""
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o604)
    with path.open() as old, closing(FreshFile(str(path))) as fresh:
        os.write(fresh.fd, b"new")
        assert path.read_text() == "old"
        fresh.place()
        assert old.read() == "old"
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new", 0o604)
    assert (os.listdir(tmp_path), bool(way)) == (["file"], True)


def test_not_placed(tmp_path, way):
    """An unplaced file vanishes, and the old one is unchanged."""
    path = tmp_path / "file"
    path.write_text("old")
    with closing(FreshFile(str(path))) as fresh:
        os.write(fresh.fd, b"new")
    assert (path.read_text(), os.listdir(tmp_path), bool(way)) == ("old", ["file"], True)


def test_no_directory(tmp_path, way):
    """A missing directory is an error and leaves no open descriptor."""
    before = os.listdir("/proc/self/fd")
    with pytest.raises(FileNotFoundError):
        FreshFile(str(tmp_path / "none/file"))
    assert (len(os.listdir("/proc/self/fd")), bool(way)) == (len(before), True)
