# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules container_copy and container_file as playbooks use them, with files of the host and of the controller."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

IMAGE = "localhost/box:1"
COPY, FILE = "slipway.oci.container_copy", "slipway.oci.container_file"
PASSWORD = "only for tests"


@pytest.fixture
def box(ready):
    """Return a host with a container that has a volume, and was never started."""
    wanted = {"image": IMAGE, "network": "none", "command": "sleep 1000", "stop_timeout": 0}
    ready.task("container", name="box", volume=["data:/data"], state="created", **wanted)
    return ready


@pytest.fixture
def files(tmp_path):
    """Return a directory of the controller."""
    top = tmp_path / "files"
    (top / "conf/sub").mkdir(parents=True)
    (top / "conf/app.conf").write_text("a = 1\n")
    (top / "conf/sub/run.sh").write_text("#!/bin/sh\n")
    (top / "conf/sub/run.sh").chmod(0o755)
    (top / "conf/skip.bak").touch()
    os.symlink("app.conf", top / "conf/link")
    (top / "greeting.j2").write_text("{% for name in names %}\nhello {{ name }}\n{% endfor %}\n")
    return top


def copying(name: str, src: object, dest: object, **options: object) -> dict[str, object]:
    """Return a task that copies from or to the controller."""
    return {
        "name": name,
        COPY: {"container": "box", "src": str(src), "dest": str(dest), "remote_src": False, **options},
    }


def file(name: str, **options: object) -> dict[str, object]:
    """Return a task that has a file in the container."""
    return {"name": name, FILE: {"container": "box", "path": f"/data/{name}", **options}}


def ladder(node, *tasks, changed=None, options=()):
    """Play each task in check mode, for real, and once more: the first foretells the second, and the third changes nothing."""
    rungs = [{**task, "name": f"{task['name']} foreseen", "check_mode": True} for task in tasks]
    again = [{**task, "name": f"{task['name']} again"} for task in tasks]
    play = node.play(*rungs, *tasks, *again, options=options)
    assert play.failed == []
    names = [task["name"] for task in tasks] if changed is None else changed
    assert play.changed == [*(f"{name} foreseen" for name in names), *names]
    for name in names:
        for key in ("actions", "changes"):
            assert play[name][key] == play[f"{name} foreseen"][key]
    left = Path(node.top, "ansible").rglob("*")
    assert [path for path in left if "parcel" in path.name or "slipway-" in path.name] == []
    return play


def test_from_the_controller(box, files):
    """A tree, what is in it, and a file come from the controller; nothing temporary stays on either side."""
    play = ladder(
        box,
        copying("tree", files / "conf", "/data", exclude=["*.bak"]),
        copying("contents", f"{files}/conf/", "/etc/app", owner="app"),
        copying("file", files / "conf/app.conf", "/etc/renamed"),
    )
    assert play["tree"]["actions"] == [f"copied {files}/conf to box:/data"]
    found = sorted(path.name for path in (box.data("data") / "conf").rglob("*"))
    assert found == ["app.conf", "link", "run.sh", "sub"]
    assert stat.S_IMODE((box.data("data") / "conf/sub/run.sh").stat().st_mode) == 0o755


def test_to_the_controller(box, files, tmp_path):
    """What is copied out to the controller lands there, without setuid; what differs there is mended."""
    box.task("container_copy", container="box", src=f"{files}/conf", dest="/data")
    os.chmod(box.data("data") / "conf/sub/run.sh", 0o4755)
    out = tmp_path / "out"
    out.mkdir()
    (out / "one").write_text("b = 1\n")
    ladder(
        box,
        copying("tree", "/data/conf", out, from_container=True),
        copying("file", "/data/conf/app.conf", out / "one", from_container=True),
    )
    assert (out / "conf/app.conf").read_text() == (out / "one").read_text() == "a = 1\n"
    assert os.readlink(out / "conf/link") == "app.conf"
    assert stat.S_IMODE((out / "conf/sub/run.sh").stat().st_mode) == 0o755


def test_files(box, files):
    """A content, a structure, a file and a template become files; a directory is made; absent takes away."""
    template = file("greeting", template=str(files / "greeting.j2"))
    ladder(
        box,
        file("json", content={"a": [1]}, mode="0600"),
        file("src", src=str(files / "conf/sub/run.sh"), mode="preserve"),
        {**template, "vars": {"names": ["you", "me"]}},
        file("dir", state="directory", owner="app"),
    )
    data = box.data("data")
    assert (data / "greeting").read_text() == "hello you\nhello me\n"
    assert (data / "json").read_text() == '{"a": [1]}'
    assert stat.S_IMODE((data / "json").stat().st_mode) == 0o600
    assert stat.S_IMODE((data / "src").stat().st_mode) == 0o755
    assert (data / "dir").stat().st_uid == 1000
    (data / "dir/full").touch()
    ladder(box, file("dir", state="absent"), file("json", content="{{ 43 }}", force=False), changed=["dir"])
    assert not (data / "dir").exists()


def test_a_vault_is_opened(box, files):
    """A file of a vault arrives decrypted."""
    (files / "password").write_text(PASSWORD)
    vault = ("--vault-password-file", str(files / "password"))
    subprocess.run(
        ["ansible-vault", "encrypt", *vault, str(files / "conf/app.conf")], check=True, capture_output=True
    )
    tasks = file("one", src=str(files / "conf/app.conf")), copying("tree", files / "conf", "/data")
    assert box.play(*tasks, options=vault).failed == []
    for name in ("one", "conf/app.conf"):
        assert (box.data("data") / name).read_text() == "a = 1\n"


def test_differences_are_shown_only_where_wanted(box):
    """With diff a task tells the contents; without it they are in no result."""
    secret = {**file("secret", content="hush\n"), "check_mode": True}
    play = box.play({**secret, "name": "quiet"}, {**secret, "name": "shown", "diff": True})
    assert "hush" not in str(play["quiet"])
    assert play["shown"]["diff"] == [
        {"before_header": "secret", "after_header": "secret", "before": "", "after": "hush\n"}
    ]


def test_bad_input(box, files, tmp_path):
    """What can't be is refused in words, by the option, on either side."""
    out = tmp_path / "out"
    cases = (
        (copying("a", "/etc/hostname", "/x", container="bxo"), "near: box"),
        (copying("b", "etc/hostname", "/x", remote_src=True), "Begin it with /"),
        (copying("c", "/none", "/x", remote_src=True), "src: '/none' does not exist"),
        (copying("d", "/none", "/x"), "/none"),
        (copying("e", "/none", out, from_container=True), "does not exist"),
        (copying("f", files, "/x", exclude=["[z-a]"]), "exclude"),
        (copying("g", files, "/x", mode="u=rw"), "is not an octal mode"),
        (copying("h", files, "/proc/x"), "Start the container first"),
        (copying("i", "x", "/x", parcel="/etc/passwd"), "set by the action plugin"),
        (file("j"), "Set exactly one"),
        (file("k", content="a", src="b"), "is mutually exclusive with"),
        (file("l/", content="a"), "Remove the trailing slash"),
        (file("m", src=str(files)), "Use container_copy"),
        (file("n", template="none.j2"), "none.j2"),
        (file("o", path="/", state="absent"), "is not the path of a file"),
    )
    play = box.play(*({**task, "ignore_errors": True} for task, _words in cases))
    assert [name for name, _message in play.failed] == [task["name"] for task, _words in cases]
    for (name, message), (_task, words) in zip(play.failed, cases):
        assert words in message, name
    assert not out.exists()
