# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules volume_content, volume_export, volume_import and volume_snapshot as playbooks use them."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import pytest

CONTENT = "slipway.oci.volume_content"


@pytest.fixture
def data(node):
    """Return a host with a volume ``data``."""
    node.task("volume", name="data")
    return node


@pytest.fixture
def files(tmp_path):
    """Return a directory of the controller."""
    top = tmp_path / "files"
    (top / "conf/sub").mkdir(parents=True)
    (top / "conf/app.conf").write_text("a = 1\n")
    (top / "conf/sub/run.sh").write_text("#!/bin/sh\n")
    (top / "conf/sub/run.sh").chmod(0o755)
    (top / "conf/skip.bak").touch()
    (top / "greeting.j2").write_text("hello {{ name }}\n")
    return top


def test_from_the_controller(data, files):
    """A tree, contents and templates come from the controller, foreseen with their diff; again changes nothing."""
    task = {
        "name": "content",
        "vars": {"name": "world"},
        CONTENT: {
            "name": "data",
            "src": str(files / "conf"),
            "owner": "1000",
            "exclude": ["*.bak"],
            "delete": True,
            "files": [
                {"path": "conf/app.conf", "content": "a = 2\n", "mode": "0600"},
                {"path": "settings.json", "content": {"mode": "production"}},
                {"path": "greeting", "template": str(files / "greeting.j2"), "group": "7"},
            ],
        },
    }
    data.data("data").joinpath("old").touch()
    before = data.state()
    foreseen = data.play(task, check=True)
    assert data.state() == before
    play = data.play(task)
    assert play.failed == foreseen.failed == []
    assert play.changed == foreseen.changed == ["content"]
    assert play["content"]["changes"] == foreseen["content"]["changes"]
    top = data.data("data")
    found = {str(path.relative_to(top)): path.read_text() for path in top.rglob("*") if path.is_file()}
    assert found == {
        "conf/app.conf": "a = 2\n",
        "conf/sub/run.sh": "#!/bin/sh\n",
        "settings.json": '{"mode": "production"}',
        "greeting": "hello world\n",
    }
    seen = {name: (top / name).stat() for name in found}
    assert {one.st_uid for one in seen.values()} == {1000}
    assert stat.S_IMODE(seen["conf/app.conf"].st_mode) == 0o600
    assert stat.S_IMODE(seen["conf/sub/run.sh"].st_mode) == 0o755
    assert seen["greeting"].st_gid == 7
    assert data.play(task).changed == []
    assert [path for path in Path(data.top, "ansible").rglob("*") if "parcel" in path.name] == []


def test_no_secret_is_told(data):
    """Without --diff no content is in what a task returns, and never among its options."""
    secret = "hunter2" + "x" * 20
    task = {"name": "secret", CONTENT: {"name": "data", "files": [{"path": "token", "content": secret}]}}
    play = data.play(task)
    assert play.changed == ["secret"]
    assert secret not in str(play["secret"])


def test_from_the_host(data, files):
    """A tree of the host beside a file of the list, by the module alone."""
    wanted = {"name": "data", "src": f"{files}/conf/", "remote_src": True, "dest": "etc"}
    wanted["files"] = [{"path": "more", "content": "x"}]
    assert data.task("volume_content", check=True, **wanted)["changed"]
    told = data.task("volume_content", **wanted)
    assert [one["path"] for one in told["changes"]] == [
        "etc", "etc/app.conf", "etc/more", "etc/skip.bak", "etc/sub", "etc/sub/run.sh",
    ]  # fmt: skip
    assert not data.task("volume_content", **wanted)["changed"]


def test_there_and_back(data, tmp_path):
    """Exported, changed, and imported again: each is foreseen, each once more is no change, and what was there is kept."""
    top = data.data("data")
    top.joinpath("file").write_text("first")
    dest = tmp_path / "data.tar.gz"
    foreseen = data.task("volume_export", check=True, name="data", dest=str(dest))
    told = data.task("volume_export", name="data", dest=str(dest), mode="0640")
    assert (foreseen["actions"], foreseen["changed"]) == (told["actions"][:1], True)
    assert told["checksum"] == hashlib.sha256(dest.read_bytes()).hexdigest()
    assert stat.S_IMODE(dest.stat().st_mode) == 0o640
    assert not data.task("volume_export", volume="data", path=str(dest))["changed"]
    top.joinpath("file").write_text("second")
    refused = data.task("volume_import", name="data", src=str(dest))
    assert (refused["failed"], refused["error"]) == (True, "not_empty")
    foreseen = data.task("volume_import", check=True, name="data", src=str(dest), force=True)
    assert top.joinpath("file").read_text() == "second"
    told = data.task("volume_import", name="data", src=str(dest), force=True)
    for key in ("changed", "actions", "diff", "plan"):
        assert told[key] == foreseen[key]
    assert top.joinpath("file").read_text() == "first"
    assert not data.task("volume_import", name="data", src=str(dest))["changed"]
    [shape] = data.task("volume_info", name=["data"])["volumes"]
    assert shape["imported_from"]["digest"] == f"sha256:{hashlib.sha256(dest.read_bytes()).hexdigest()}"
    assert [one["reason"] for one in shape["snapshots"]] == ["before-import"]
    back = data.task("volume_snapshot", name="data", snapshot=told["kept"], state="restored", backup=False)
    assert back["changed"]
    assert top.joinpath("file").read_text() == "second"
    [shape] = data.task("volume_info", name=["data"])["volumes"]
    assert shape["imported_from"] is None
    assert shape["restored_from"]["name"] == told["kept"]


def test_bad_input(data, tmp_path):
    """What can't be is refused by its option, and nothing is there afterwards."""
    (tmp_path / "x.tar").write_text("no archive")
    for module, options, error, words in (
        ("volume_content", {"name": "data"}, "invalid_option", "at least one"),
        ("volume_content", {"name": "data", "src": "x"}, "invalid_option", "action plugin"),
        ("volume_content", {"name": "data", "src": "x", "remote_src": True}, "invalid_option", "absolute"),
        (
            "volume_content",
            {"name": "data", "files": [{"path": "../x", "content": ""}]},
            "invalid_option",
            "below dest",
        ),
        (
            "volume_content",
            {"name": "data", "files": [{"path": "x"}]},
            "invalid_option",
            "has no content that is a string",
        ),
        (
            "volume_content",
            {"name": "data", "mode": "a+x", "files": [{"path": "x", "content": ""}]},
            "invalid_option",
            "octal",
        ),
        (
            "volume_content",
            {"name": "dta", "files": [{"path": "x", "content": ""}]},
            "not_found",
            "near: data",
        ),
        ("volume_export", {"name": "data", "dest": "/none/x"}, "invalid_option", "Create /none first"),
        (
            "volume_export",
            {"name": "data", "dest": f"{tmp_path}/y", "consistent": "maybe"},
            None,
            "one of: pause, none",
        ),
        ("volume_import", {"name": "data", "src": f"{tmp_path}/x.tar"}, "archive_broken", "tar"),
        ("volume_import", {"name": "data", "src": "/none"}, "invalid_option", "can't be read"),
        ("volume_snapshot", {"name": "data", "state": "restored"}, "invalid_option", "requires the name"),
        ("volume_snapshot", {"name": "data", "state": "absent"}, "invalid_option", "requires the name"),
        ("volume_snapshot", {"name": "data", "snapshot": "../x"}, "invalid_option", "not a valid name"),
        ("volume_snapshot", {"name": "data", "keep_last": 0}, "invalid_option", "less than 1"),
        ("volume_snapshot", {"name": "data", "snapshot": "x", "state": "restored"}, "not_found", "snapshot"),
    ):
        told = data.task(module, **options)
        assert (told.get("failed"), told.get("error")) == (True, error), told
        assert words in told["msg"]
    assert os.listdir(data.data("data")) == []
    assert {*os.listdir(data.data("data").parent)} <= {"data", ".staging"}
