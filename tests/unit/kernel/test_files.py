# SPDX-License-Identifier: GPL-3.0-or-later
"""Write files and make directories."""

from __future__ import annotations

import os
import stat
import time

import pytest

from _engine.kernel import files

REWRITE = """
import sys
from _engine.kernel.files import write_atomic
print(flush=True)
while True:
    for digit in b"0123456789":
        write_atomic(sys.argv[1], bytes([digit]) * 100_000)
"""


@pytest.fixture(autouse=True, params=[0o022, 0o077, 0o000], ids=oct)
def _umask(request):
    """Run each test with several umasks."""
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode(path) -> int:
    """Return the permissions of a file."""
    return stat.S_IMODE(os.stat(path).st_mode)


@pytest.mark.parametrize("wanted", [0o600, 0o644, 0o755])
def test_a_file_is_written(tmp_path, wanted):
    """A file gets its content and its mode, be it new or there already."""
    path = tmp_path / "file"
    for content in (b"one", b"", b"three"):
        files.write_atomic(str(path), content, mode=wanted)
        assert (path.read_bytes(), mode(path)) == (content, wanted)
    assert os.listdir(tmp_path) == ["file"]


def test_a_file_is_private_by_default(tmp_path):
    """Only its owner can read what is written without a word about the mode."""
    files.write_atomic(str(tmp_path / "file"), b"")
    assert mode(tmp_path / "file") == 0o600


def test_a_name_in_the_working_directory_will_do(tmp_path, monkeypatch):
    """A path without a directory is written where the process works."""
    monkeypatch.chdir(tmp_path)
    files.write_atomic("file", b"x")
    assert (tmp_path / "file").read_bytes() == b"x"


def test_a_long_name_will_do(tmp_path):
    """A name as long as the file system allows can be written."""
    files.write_atomic(str(tmp_path / ("x" * 255)), b"x")
    assert os.listdir(tmp_path) == ["x" * 255]


def test_a_failure_leaves_nothing(tmp_path):
    """A file that can't be put in place leaves no other behind."""
    (tmp_path / "directory/below").mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        files.write_atomic(str(tmp_path / "directory"), b"x")
    assert os.listdir(tmp_path) == ["directory"]


def test_a_reader_sees_all_or_nothing(python, tmp_path):
    """Whoever reads while the file is rewritten gets one whole content."""
    path = tmp_path / "file"
    files.write_atomic(str(path), b"0" * 100_000)
    python(REWRITE, path).stdout.readline()
    seen = set()
    deadline = time.monotonic() + 0.5
    while time.monotonic() < deadline or len(seen) < 2:
        content = path.read_bytes()
        assert len(content) == 100_000
        assert len(set(content)) == 1
        seen.add(content[0])


@pytest.mark.parametrize("wanted", [0o700, 0o755])
def test_directories_are_made(tmp_path, wanted):
    """A directory and its missing parents are made with the mode, whatever the umask."""
    path = tmp_path / "a/b/c"
    files.make_private(str(path), wanted)
    assert {mode(tmp_path / name) for name in ("a", "a/b", "a/b/c")} == {wanted}


def test_a_directory_that_is_there_stays_as_it_is(tmp_path):
    """An existing directory keeps its mode and content, a link to one as well."""
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a").chmod(0o751)
    (tmp_path / "link").symlink_to("a")
    files.make_private(str(tmp_path / "a"))
    files.make_private(str(tmp_path / "link"))
    files.make_private(str(tmp_path / "link/new"))
    assert mode(tmp_path / "a") == 0o751
    assert sorted(os.listdir(tmp_path / "a")) == ["b", "new"]


def test_a_file_in_the_way_is_told(tmp_path):
    """A file where the directory should be is an error."""
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError):
        files.make_private(str(tmp_path / "file"))


def test_a_directory_is_closed_after_use(tmp_path):
    """The descriptor of a directory is good in the body and closed after it, by an error too."""
    opened = []

    def fail() -> None:
        with files.directory(str(tmp_path)) as fd:
            opened.append(fd)
            assert os.path.samestat(os.fstat(fd), os.stat(tmp_path))
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(opened[0])


def test_a_directory_is_opened_below_another(tmp_path):
    """A directory can be named relative to one that is open."""
    (tmp_path / "a").mkdir()
    with files.directory(str(tmp_path)) as top, files.directory("a", dir_fd=top) as fd:
        assert os.path.samestat(os.fstat(fd), os.stat(tmp_path / "a"))


def test_only_a_directory_is_opened(tmp_path):
    """Anything else than a directory is refused."""
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError), files.directory(str(tmp_path / "file")):
        pass


def test_a_directory_is_made_durable(tmp_path):
    """Syncing a directory works on one that is there, and tells of one that is not."""
    files.fsync_directory(str(tmp_path))
    with pytest.raises(FileNotFoundError):
        files.fsync_directory(str(tmp_path / "nowhere"))
