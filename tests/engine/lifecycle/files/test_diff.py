# SPDX-License-Identifier: GPL-3.0-or-later
"""A container's changed files, listed as podman does."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from _engine.errors import NotFound, WrongState
from _engine.kernel import mounts
from _engine.lifecycle.files.diff import changed_paths
from dockerarchive import Link, layer, write_archive

FILES = {
    "etc/app": None,
    "etc/app/old": b"old",
    "etc/app/kept": b"kept",
    "etc/app/link": Link("kept"),
    "srv/deep/er": None,
    "srv/deep/er/file": b"x",
    "srv/again": None,
    "srv/again/before": b"x",
    "srv/again/both": b"x",
    "srv/file": b"to be a directory",
    "srv/dir": None,
    "srv/dir/inside": b"x",
}


def alter(root: Path) -> None:
    """Add, change and delete files of every kind."""
    (root / "etc/app/old").unlink()
    (root / "etc/app/new").write_text("new")
    (root / "etc/app/kept").write_text("other")
    (root / "new/tree").mkdir(parents=True)
    (root / "new/tree/file").touch()
    os.chmod(root / "srv/deep", 0o700)
    shutil.rmtree(root / "srv/again")
    (root / "srv/again").mkdir()
    (root / "srv/again/both").write_text("y")
    (root / "srv/again/after").touch()
    (root / "srv/file").unlink()
    (root / "srv/file").mkdir()
    shutil.rmtree(root / "srv/dir")
    (root / "srv/dir").write_text("x")
    (root / "gone").touch()
    (root / "gone").unlink()
    (root / os.fsdecode(b"\xff")).touch()


@pytest.fixture
def image(built, busybox):
    """Return an image with some files."""
    return built("localhost/files:1", busybox, layer(FILES))


@pytest.fixture
def told(host):
    """Return a function that lists the container's changes in podman's form."""

    def told() -> list[str]:
        with host.open(read_only=True) as engine:
            return [f"{item.kind[0].upper()} {item.path}" for item in changed_paths(engine, "box")]

    return told


def test_told_in_every_state(host, image, told):
    """Before the first start there are no changes; then all are listed, also by ``slipway diff``."""
    host.want("created", "sleep", "1000", image=image, volume=["data:/data"], stop_timeout=0)
    assert told() == []
    host.bring("box", "started")
    assert told() == ["A /data", "C /etc"]  # the runtime has created mount points
    root = Path(f"/proc/{host.inspect()['State']['Pid']}/root")
    alter(root)
    (root / "data/in a volume").touch()
    while_running = told()
    assert {
        "A /new/tree/file",
        "C /etc/app/kept",
        "D /etc/app/old",
        "D /srv/again/before",
        "C /srv/again/both",
    } <= {*while_running}
    assert not [
        line for line in while_running if "gone" in line or "volume" in line or "/srv/deep/er" in line
    ]
    printed = subprocess.run(
        [host.layout.agent_program, "diff", "box"], check=True, stdout=subprocess.PIPE, timeout=60
    )
    assert printed.stdout == "".join(f"{line}\n" for line in while_running).encode(errors="surrogateescape")
    host.bring("box", "stopped")
    assert told() == while_running


def test_as_podman_tells_it(host, image, busybox, told, tmp_path, need):
    """The lines are podman's for the same changes, except for a path that podman lists twice."""
    need(shutil.which("podman"), "podman")
    archive = write_archive(tmp_path / "files.tar", image, [busybox, layer(FILES)])
    top = tempfile.mkdtemp(prefix="podman-")  # podman refuses a long path
    places = [f"--root={top}/r", f"--runroot={top}/o", f"--tmpdir={top}/t"]

    def podman(*arguments: str) -> str:
        argv = ["podman", *places, "--storage-driver=vfs", "--events-backend=none", *arguments]
        done = subprocess.run(
            argv, check=True, stdout=subprocess.PIPE, text=True, errors="surrogateescape", timeout=120
        )
        return done.stdout.strip()

    podman("load", "--input", str(archive))
    try:
        podman("create", "--name", "box", "--network", "none", image, "true")
        alter(Path(podman("mount", "box")))
        podman("unmount", "box")
        theirs = podman("diff", "box").splitlines()
    finally:
        podman("rm", "--force", "box")
        mounts.unmount_below(top)
        shutil.rmtree(top)
    host.start("sleep", "1000", image=image, stop_timeout=0)
    alter(Path(f"/proc/{host.inspect()['State']['Pid']}/root"))
    assert told() == sorted({*theirs}, key=lambda line: line[2:])


def test_refused(host, busybox, told, tmp_path):
    """A container on a directory of the host, and one that does not exist, are refused."""
    with pytest.raises(NotFound):
        told()
    root = tmp_path / "rootfs"
    root.mkdir()
    subprocess.run(["tar", "-xC", str(root)], input=busybox, check=True)
    host.want("created", "sleep", image=str(root), rootfs=True)
    with pytest.raises(WrongState, match="directory of the host"):
        told()
