# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from _engine.errors import InvalidOption
from _engine.volumes import directory


@pytest.fixture
def volumes(tmp_path) -> str:
    """Return the path of an empty directory of volumes."""
    (tmp_path / "volumes").mkdir()
    return os.fspath(tmp_path / "volumes")


def owner_and_mode(path) -> tuple[int, int, int]:
    """Return uid, gid and permission bits."""
    info = os.lstat(path)
    return info.st_uid, info.st_gid, stat.S_IMODE(info.st_mode)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, (0, 0, 0o755)),
        ({"uid": 0, "gid": 0, "mode": 0}, (0, 0, 0)),
        ({"uid": 999}, (999, 0, 0o755)),
        ({"uid": 999, "gid": 12, "mode": 0o2770}, (999, 12, 0o2770)),
    ],
)
def test_a_new_volume_has_the_owner_and_mode_asked_for(asked, expected, volumes):
    """The data directory has them whatever the umask; its parent is root's, 0700."""
    before = os.umask(0o077)
    try:
        volume = directory.create(volumes, "app", **asked)
    finally:
        os.umask(before)
    assert volume == os.path.join(volumes, "app")
    assert owner_and_mode(volume) == (0, 0, 0o700)
    assert owner_and_mode(os.path.join(volume, "data")) == expected
    assert os.listdir(volume) == ["data"]


def test_create_leaves_an_existing_volume_alone(volumes):
    """Creating an existing volume again changes neither content, owner nor mode."""
    data = Path(directory.create(volumes, "app")) / "data"
    (data / "file").write_text("x")
    os.chown(data, 33, 33)
    data.chmod(0o700)
    directory.create(volumes, "app", uid=5, mode=0o777)
    assert owner_and_mode(data) == (33, 33, 0o700)
    assert (data / "file").read_text() == "x"


@pytest.mark.parametrize("half", ["", ".data", ".data/x"])
def test_create_mends_a_half_made_volume(half, volumes):
    """A killed creation is completed by the next one."""
    os.makedirs(os.path.join(volumes, "app", half))
    volume = directory.create(volumes, "app", uid=7)
    assert os.listdir(volume) == ["data"]
    assert owner_and_mode(os.path.join(volume, "data")) == (7, 0, 0o755)


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "/etc", "a\0b"])
@pytest.mark.parametrize("verb", ["create", "remove", "is_empty", "size"])
def test_a_name_that_is_a_path_is_refused(verb, name, volumes, tmp_path):
    """No function touches anything outside the directory of volumes."""
    more = {"trash": os.fspath(tmp_path / "trash")} if verb == "remove" else {}
    with pytest.raises(InvalidOption):
        getattr(directory, verb)(volumes, name, **more)
    assert os.listdir(volumes) == []


def test_remove_deletes_all_of_the_volume(volumes, tmp_path, every_tree, chattr):
    """Odd content, immutable files and symlinks are deleted, but not the symlinks' targets."""
    volume = Path(directory.create(volumes, "app"))
    every_tree.rename(volume / "data/content")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/file").write_text("x")
    (volume / "data/link").symlink_to(tmp_path / "outside")
    chattr("+i", volume / "data/content/plain/file1", volume / "data")
    directory.remove(volumes, "app", trash=os.fspath(tmp_path / "trash"))
    assert os.listdir(volumes) == []
    assert os.listdir(tmp_path / "trash") == []
    assert (tmp_path / "outside/file").read_text() == "x"


def test_size_and_remove_of_a_deep_volume(volumes, tmp_path, deep_tree, chattr):
    """2,000 levels and an immutable file need no recursion and no long path."""
    volume = Path(directory.create(volumes, "app"))
    chattr("+i", deep_tree / "level")
    deep_tree.rename(volume / "data/content")
    assert directory.size(volumes, "app") >= 2000 * 512
    directory.remove(volumes, "app", trash=os.fspath(tmp_path / "trash"))
    assert os.listdir(volumes) == os.listdir(tmp_path / "trash") == []


def test_remove_of_an_absent_volume_is_fine(volumes, tmp_path):
    """Removing a volume twice is no error."""
    directory.remove(volumes, "app", trash=os.fspath(tmp_path / "trash"))
    assert os.listdir(tmp_path / "trash") == []


def test_sweep_deletes_what_a_killed_remove_left(volumes, tmp_path):
    """A sweep empties the trash, and accepts a missing one."""
    trash = tmp_path / "trash"
    directory.sweep(os.fspath(trash))
    (trash / "volume-dead/app/data/dir").mkdir(parents=True)
    (trash / "volume-dead/app/data/dir/file").write_text("x")
    directory.sweep(os.fspath(trash))
    assert os.listdir(trash) == []


def test_empty_is_without_any_entry(volumes):
    """A volume with one hidden file is not empty; a missing one is an error."""
    data = Path(directory.create(volumes, "app")) / "data"
    assert directory.is_empty(volumes, "app")
    (data / ".hidden").touch()
    assert not directory.is_empty(volumes, "app")
    with pytest.raises(FileNotFoundError):
        directory.is_empty(volumes, "other")


def test_size_is_what_du_says(volumes, every_tree):
    """Holes take no space, and a hard-linked file counts once."""
    data = Path(directory.create(volumes, "app")) / "data"
    every_tree.rename(data / "content")
    du = subprocess.run(["du", "-s", "-B512", data], check=True, stdout=subprocess.PIPE, text=True).stdout
    blocks = int(du.split()[0]) - data.stat().st_blocks
    assert directory.size(volumes, "app") == blocks * 512
