# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import stat
import tarfile
from contextlib import closing

import pytest
from ansible.errors import AnsibleActionFail
from ansible.parsing.dataloader import DataLoader
from ansible_collections.slipway.oci.plugins.plugin_utils.pack_files import Parcel
from ansible_collections.slipway.oci.plugins.plugin_utils.unpack_files import receive

from _engine.model.values.globs import matcher
from _engine.model.values.sparse import same
from _engine.trees.sync import memory
from _engine.trees.sync_archive import read_archive, write_archive


@pytest.fixture
def parcel(tmp_path):
    """Return an empty parcel."""
    (tmp_path / "spool").mkdir()
    with closing(Parcel(DataLoader(), str(tmp_path / "spool"))) as parcel:
        yield parcel
    assert os.listdir(tmp_path / "spool") == []


def content(wanted) -> bytes:
    """Return the expected content of a small file."""
    whole = bytearray()
    for offset, data in wanted.pieces():
        whole += bytes(offset - len(whole)) + data
    return bytes(whole)


def test_what_is_packed_arrives(parcel, tmp_path):
    """The engine reads the parcel as packed: contents, modes, symlinks, names of any bytes; it is private."""
    tree = tmp_path / "tree"
    (tree / "d").mkdir(parents=True, mode=0o750)
    (tree / "d" / os.fsdecode(b"\xff")).write_bytes(b"x" * 100_000)
    (tree / "d" / ("n" * 200)).touch(0o640)
    (tree / "left.out").touch()
    os.symlink("d", tree / "link")
    parcel.add_tree("top", str(tree), excluded=matcher("exclude", ["*.out"]))
    parcel.add_content("new/content", "ü".encode(), mode=0o600)
    assert stat.S_IMODE(os.stat(parcel.path).st_mode) == 0o600
    got = read_archive(parcel.finish())
    assert sorted(got) == sorted(
        ["top", "top/d", os.fsdecode(b"top/d/\xff"), f"top/d/{'n' * 200}", "top/link", "new/content"]
    )
    assert content(got[os.fsdecode(b"top/d/\xff")]) == b"x" * 100_000
    assert (got["top/link"].kind, got["top/link"].link) == ("symlink", "d")
    assert got[f"top/d/{'n' * 200}"].mode == 0o640
    assert (content(got["new/content"]).decode(), got["new/content"].mtime_ns) == ("ü", None)


def test_holes(parcel, tmp_path):
    """A mostly sparse file makes a small parcel, and keeps its holes."""
    with (tmp_path / "huge").open("wb") as file:
        file.seek(1 << 39)
        file.write(b"middle")
        file.truncate(1 << 40)
    parcel.add_file("huge", str(tmp_path / "huge"))
    got = read_archive(parcel.finish())["huge"]
    assert os.stat(parcel.path).st_size < 100_000
    assert got.size == 1 << 40
    assert same(got.pieces(), [(1 << 39, b"middle"), (1 << 40, b"")])
    write_archive(str(tmp_path / "back.tar"), {"huge": got, "small": memory(b"text"), "empty": memory(b"")})
    for changed in (3, 0):
        assert len(receive(str(tmp_path / "back.tar"), str(tmp_path / "out"), check=False)) == changed
    assert (tmp_path / "out/huge").stat().st_size == 1 << 40
    assert (tmp_path / "out/huge").stat().st_blocks < 100
    with (tmp_path / "out/huge").open("r+b") as file:
        file.seek(1 << 38)
        file.write(b"x")
    [change] = receive(str(tmp_path / "back.tar"), str(tmp_path / "out"), check=True)
    assert change == {"path": "huge", "changes": ["content"]}


def test_followed_symlinks(parcel, tmp_path):
    """With follow, symlinks become their targets; a loop is an error."""
    (tmp_path / "tree/d").mkdir(parents=True)
    (tmp_path / "tree/d/f").write_text("x")
    os.symlink("d", tmp_path / "tree/link")
    parcel.add_tree("", str(tmp_path / "tree"), follow=True)
    os.symlink("..", tmp_path / "tree/d/round")
    with pytest.raises(AnsibleActionFail, match="loop"):
        parcel.add_tree("again", str(tmp_path / "tree"), follow=True)
    assert "link/f" in read_archive(parcel.finish())


def test_special_files_are_refused(parcel, tmp_path):
    """A FIFO of the controller is refused, not opened."""
    (tmp_path / "tree").mkdir()
    os.mkfifo(tmp_path / "tree/fifo")
    with pytest.raises(AnsibleActionFail, match="fifo is not a regular file"):
        parcel.add_tree("", str(tmp_path / "tree"))


def test_no_member_carries_an_owner(parcel, tmp_path):
    """IDs and names of the controller's users are not sent."""
    (tmp_path / "f").touch()
    parcel.add_file("f", str(tmp_path / "f"))
    with tarfile.open(parcel.finish()) as tar:
        assert {(member.uid, member.gid, member.uname, member.gname) for member in tar} == {(0, 0, "", "")}
