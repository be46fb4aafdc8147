# SPDX-License-Identifier: GPL-3.0-or-later
"""Create directories."""

from __future__ import annotations

import os
import stat

import pytest

from _engine.kernel import files


@pytest.fixture(autouse=True, params=[0o022, 0o077, 0o000], ids=oct)
def _umask(request):
    """Run each test with several umasks."""
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode(path) -> int:
    """Return the permissions of a file."""
    return stat.S_IMODE(os.stat(path).st_mode)


@pytest.mark.parametrize("wanted", [0o700, 0o755])
def test_directories_are_made(tmp_path, wanted):
    """A directory and its missing parents are created with the mode, whatever the umask."""
    path = tmp_path / "a/b/c"
    files.make_private(str(path), wanted)
    assert {mode(tmp_path / name) for name in ("a", "a/b", "a/b/c")} == {wanted}


def test_a_directory_that_is_there_stays_as_it_is(tmp_path):
    """An existing directory, or a link to one, keeps its mode and content."""
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a").chmod(0o751)
    (tmp_path / "link").symlink_to("a")
    files.make_private(str(tmp_path / "a"))
    files.make_private(str(tmp_path / "link"))
    files.make_private(str(tmp_path / "link/new"))
    assert mode(tmp_path / "a") == 0o751
    assert sorted(os.listdir(tmp_path / "a")) == ["b", "new"]


def test_a_file_in_the_way_is_told(tmp_path):
    """A file at the path of the directory is an error."""
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError):
        files.make_private(str(tmp_path / "file"))


def test_a_directory_is_closed_after_use(tmp_path):
    """The descriptor is valid in the body and closed after it, also after an exception."""
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
    """A path can be relative to an open directory."""
    (tmp_path / "a").mkdir()
    with files.directory(str(tmp_path)) as top, files.directory("a", dir_fd=top) as fd:
        assert os.path.samestat(os.fstat(fd), os.stat(tmp_path / "a"))


def test_only_a_directory_is_opened(tmp_path):
    """Anything but a directory is refused."""
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError), files.directory(str(tmp_path / "file")):
        pass


def test_a_directory_is_made_durable(tmp_path):
    """An existing directory is synced; a missing one is an error."""
    files.fsync_directory(str(tmp_path))
    with pytest.raises(FileNotFoundError):
        files.fsync_directory(str(tmp_path / "nowhere"))
