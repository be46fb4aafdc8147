# SPDX-License-Identifier: GPL-3.0-or-later
"""Module container_export as playbooks use it."""

from __future__ import annotations

import hashlib
import os
import stat
import tarfile

import pytest

from _engine.kernel import mounts

IMAGE = "localhost/box:1"


@pytest.fixture
def box(node, other_archive):
    """Return a host with a container that runs and has a volume."""
    node.load(other_archive)
    wanted = {"image": IMAGE, "network": "none", "command": "sleep 1000", "stop_timeout": 0}
    node.task("container", name="box", volume=["data:/data"], **wanted)
    return node


def test_ladder(box, tmp_path):
    """Check mode writes nothing and foresees the run; the second run changes nothing; new content does, unless force is off."""
    dest = tmp_path / "box.tar"
    state = box.state()
    foreseen = box.task("container_export", check=True, container="box", dest=str(dest))
    assert (foreseen["changed"], foreseen["actions"]) == (True, [f"exported box to {dest}"])
    assert (dest.exists(), box.state() == state) == (False, True)
    told = box.task("container_export", container="box", dest=str(dest))
    assert (told["changed"], told["actions"], told["diff"]) == (True, foreseen["actions"], foreseen["diff"])
    assert told["dest"] == str(dest)
    assert told["size"] == dest.stat().st_size
    assert told["checksum"] == hashlib.sha256(dest.read_bytes()).hexdigest()
    with tarfile.open(dest) as archive:
        assert {"bin/busybox", "etc/passwd", "data"} <= {*archive.getnames()}
    for check in (True, False):
        again = box.task("container_export", check=check, name="box", path=str(dest))
        assert (again["changed"], again["actions"], again["checksum"]) == (False, [], told["checksum"])
    box.task("container_exec", name="box", command="touch /new")
    assert not box.task("container_export", container="box", dest=str(dest), force=False)["changed"]
    foreseen = box.task("container_export", check=True, container="box", dest=str(dest))
    assert hashlib.sha256(dest.read_bytes()).hexdigest() == told["checksum"]
    later = box.task("container_export", container="box", dest=str(dest))
    for key in ("changed", "actions", "checksum", "diff", "plan"):
        assert later[key] == foreseen[key]
    assert later["diff"]["before"] == {"checksum": f"sha256:{told['checksum']}"}
    assert os.listdir(tmp_path) == ["box.tar"]


def test_owner_and_mode(box, tmp_path):
    """The file gets the owner and the mode asked for, foretold by check mode, and nothing more when it has them."""
    dest = tmp_path / "box.tar.gz"
    wanted = {"container": "box", "dest": str(dest), "compression": "gzip", "mode": "0640", "group": "1234"}
    assert box.task("container_export", check=True, **wanted)["changed"]
    assert box.task("container_export", **wanted)["changed"]
    seen = dest.stat()
    assert (stat.S_IMODE(seen.st_mode), seen.st_gid) == (0o640, 1234)
    assert not box.task("container_export", **wanted)["changed"]
    for check in (True, False):
        told = box.task("container_export", check=check, **{**wanted, "mode": "0600"})
        assert (told["changed"], told["actions"]) == (True, [f"set the attributes of {dest}"])
    assert stat.S_IMODE(dest.stat().st_mode) == 0o600


def test_bad_input(box, tmp_path):
    """What can't be is refused in words, and nothing is written."""
    for options, error, words in (
        ({"container": "bxo"}, "not_found", "near: box"),
        ({"dest": ""}, "invalid_option", "is a directory"),
        ({"dest": f"{tmp_path}/none/x.tar"}, "invalid_option", f"Create {tmp_path}/none first"),
        ({"dest": str(tmp_path)}, "invalid_option", "is a directory"),
        ({"compression": "lzma"}, None, "must be one of: none, gzip, bzip2, xz, zstd"),
    ):
        for check in (True, False):
            told = box.task(
                "container_export",
                check=check,
                **{"container": "box", "dest": f"{tmp_path}/x.tar", **options},
            )
            if check and not told.get("failed"):  # an earlier task could help
                assert "a real run would fail" in str(told["warnings"])
                continue
            assert (told["failed"], told.get("error")) == (True, error)
            assert words in told["msg"]
    assert os.listdir(tmp_path) == []


def test_a_full_disk(box, tmp_path):
    """Without space the old file stays, and the error says where."""
    mounts.tmpfs(str(tmp_path), size=500_000, mode=0o700)
    try:
        (tmp_path / "box.tar").write_text("old")
        told = box.task("container_export", container="box", dest=f"{tmp_path}/box.tar")
        assert (told["failed"], told["error"], told["path"]) == (True, "store_full", f"{tmp_path}/box.tar")
        assert (os.listdir(tmp_path), (tmp_path / "box.tar").read_text()) == (["box.tar"], "old")
    finally:
        mounts.unmount(str(tmp_path))
