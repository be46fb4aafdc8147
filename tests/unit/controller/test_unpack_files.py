# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import io
import os
import stat
import tarfile

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.slipway.oci.plugins.plugin_utils.unpack_files import receive


def archive(path, *members):
    """Write a tar of (name, kind, content or target, mode)."""
    with tarfile.open(path, "w") as tar:
        for name, kind, content, mode in members:
            member = tarfile.TarInfo(name)
            member.type, member.mode, member.linkname = kind, mode, content if kind == tarfile.SYMTYPE else ""
            data = content.encode() if kind == tarfile.REGTYPE else b""
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return str(path)


FILE, DIRECTORY, LINK = tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE


@pytest.fixture
def out(tmp_path):
    """Return a directory of the controller."""
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def test_only_what_differs_is_written(tmp_path, out):
    """The first run writes all, as predicted; the second nothing; then only differences. Setuid is cleared."""
    members = [("d", DIRECTORY, "", 0o750), ("d/f", FILE, "text", 0o4755), ("l", LINK, "d/f", 0o777)]
    tar = archive(tmp_path / "a.tar", *members)
    foreseen = receive(tar, str(out), check=True)
    assert os.listdir(out) == []
    assert receive(tar, str(out), check=False) == foreseen
    assert [item["path"] for item in foreseen] == ["d", "d/f", "l"]
    assert stat.S_IMODE((out / "d/f").stat().st_mode) == 0o755
    assert receive(tar, str(out), check=False) == []
    inode = (out / "l").lstat().st_ino
    (out / "d/f").write_text("TEXT")
    assert receive(tar, str(out), check=False) == [{"path": "d/f", "changes": ["content"]}]
    assert ((out / "d/f").read_text(), (out / "l").lstat().st_ino) == ("text", inode)


def test_one_file_may_get_another_name(tmp_path, out):
    """A single file is written to its destination."""
    tar = archive(tmp_path / "a.tar", ("f", FILE, "text", 0o600))
    receive(tar, str(out / "new"), rename="other", check=False)
    assert (out / "new/other").read_text() == "text"


def test_a_new_directory_has_the_mode_that_came(tmp_path):
    """A new directory gets the mode of the source, its parents the default; an existing one keeps its mode."""
    tar = archive(tmp_path / "a.tar", (".", DIRECTORY, "", 0o700), ("f", FILE, "text", 0o600))
    receive(tar, str(tmp_path / "on/the/way") + "/", check=False)
    assert stat.S_IMODE((tmp_path / "on/the/way").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "on/the").stat().st_mode) & 0o700 == 0o700
    assert (tmp_path / "on/the/way/f").read_text() == "text"
    (tmp_path / "there").mkdir(mode=0o755)
    receive(tar, str(tmp_path / "there"), check=False)
    assert stat.S_IMODE((tmp_path / "there").stat().st_mode) == 0o755


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "."])
def test_names_that_lead_elsewhere(tmp_path, out, name):
    """A name that leads out of the destination is refused."""
    with pytest.raises(AnsibleActionFail):
        receive(archive(tmp_path / "a.tar", (name, FILE, "x", 0o600)), str(out), check=False)
    assert not (tmp_path / "x").exists()


def test_a_symlink_on_the_way_is_not_followed(tmp_path, out):
    """A symlink in the tar does not redirect later entries."""
    (tmp_path / "victim").mkdir()
    members = [("l", LINK, str(tmp_path / "victim"), 0o777), ("l/x", FILE, "x", 0o600)]
    with pytest.raises(AnsibleActionFail):
        receive(archive(tmp_path / "a.tar", *members), str(out), check=False)
    assert os.listdir(tmp_path / "victim") == []


def test_a_symlink_in_the_place_of_a_file_is_replaced(tmp_path, out):
    """A symlink in place of a file is replaced, and its target is not written."""
    (tmp_path / "victim").write_text("mine")
    os.symlink(tmp_path / "victim", out / "f")
    told = receive(archive(tmp_path / "a.tar", ("f", FILE, "x", 0o600)), str(out), check=False)
    assert told == [{"path": "f", "changes": ["kind"]}]
    assert ((tmp_path / "victim").read_text(), (out / "f").read_text()) == ("mine", "x")


def test_devices_are_refused(tmp_path, out):
    """Anything but files, directories and symlinks is refused."""
    with pytest.raises(AnsibleActionFail):
        receive(archive(tmp_path / "a.tar", ("n", tarfile.CHRTYPE, "", 0o600)), str(out), check=False)
    assert os.listdir(out) == []
