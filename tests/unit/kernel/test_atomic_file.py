# SPDX-License-Identifier: GPL-3.0-or-later
"""A file that has no name until it is whole."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import closing

import pytest

from _engine.kernel.atomic_file import FreshFile


@pytest.fixture(params=["nameless", "named"])
def way(request, monkeypatch):
    """Have a file system that knows files without a name, and one that does not."""
    if request.param == "named":
        opened = os.open

        def refuse(path, flags, *arguments, **words):
            if flags & os.O_TMPFILE == os.O_TMPFILE:
                raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
            return opened(path, flags, *arguments, **words)

        monkeypatch.setattr(os, "open", refuse)
    return request.param


def test_placed(tmp_path, way):
    """Placed, it is there with its content and its mode, and nothing is beside it."""
    path = tmp_path / "file"
    with closing(FreshFile(str(path))) as fresh:
        os.write(fresh.fd, b"content")
        assert len(os.listdir(tmp_path)) == (way == "named")
        fresh.place()
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"content", 0o600)
    assert os.listdir(tmp_path) == ["file"]


def test_replaced(tmp_path, way):
    """It takes the place of the old one with its mode, while who has the old one open goes on reading that."""
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
    """Not placed, it is gone, and the old one is as it was."""
    path = tmp_path / "file"
    path.write_text("old")
    with closing(FreshFile(str(path))) as fresh:
        os.write(fresh.fd, b"new")
    assert (path.read_text(), os.listdir(tmp_path), bool(way)) == ("old", ["file"], True)


def test_no_directory(tmp_path, way):
    """Without the directory there is an error and no open descriptor."""
    before = os.listdir("/proc/self/fd")
    with pytest.raises(FileNotFoundError):
        FreshFile(str(tmp_path / "none/file"))
    assert (len(os.listdir("/proc/self/fd")), bool(way)) == (len(before), True)
