# SPDX-License-Identifier: GPL-3.0-or-later
"""The program of fuse-overlayfs: it exits with its mount, and an earlier exit is detected."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from contextlib import contextmanager
from pathlib import Path

import pytest
from treelisting import listing

from _engine.errors import HostLacks
from _engine.images.layers.unpack import unpack
from _engine.images.tar import upper_layer
from _engine.kernel import command, files, mountinfo, removal
from _engine.kernel.process import Process, find_by_argument
from _engine.rootfs import fuse, support, view
from _engine.rootfs import mount_state as died


@pytest.fixture
def program(fuse_works, container):
    """Return a function that finds the program of the container's root file system; none is left."""
    fuse_works()

    def found() -> Process | None:
        return next(iter(find_by_argument(f"slipway-rootfs:{container.merged}")), None)

    yield found
    fuse.unmount(container)
    assert found() is None


@contextmanager
def another_namespace(python: str = "unshare"):
    """Run a process in a new mount namespace, with copies of all present mounts."""
    with subprocess.Popen(
        [python, "--mount", "--propagation", "private", "cat"], stdin=subprocess.PIPE
    ) as process:
        while os.readlink(f"/proc/{process.pid}/ns/mnt") == os.readlink("/proc/self/ns/mnt"):
            pass
        yield
        process.stdin.close()


def test_it_ends_with_its_mount(program, container, layers):
    """The program is moved to its cgroup, is in another session, and has exited when the unmount returns."""
    moved = []
    fuse.mount(container, layers({"a": "1"}), moved.append)
    process = program()
    assert moved == [process.pid]
    assert os.getsid(process.pid) != os.getsid(0)
    assert mountinfo.at(container.merged).fstype == "fuse.fuse-overlayfs"
    assert "nosuid" not in mountinfo.at(container.merged).options
    assert "nodev" not in mountinfo.at(container.merged).options
    fuse.unmount(container)
    assert not process.alive()


def test_it_is_killed_where_its_mount_stays(program, container, layers, monkeypatch):
    """The program is killed if a copy of its mount in another mount namespace keeps it running."""
    monkeypatch.setattr(fuse, "_PATIENCE", 0.3)
    fuse.mount(container, layers({"a": "1"}))
    process = program()
    with another_namespace():
        fuse.unmount(container)
        assert not process.alive()


def test_its_end_is_noticed(program, container, layers):
    """After the program's death there is an error with a remedy; after a new mount all files are present."""
    lowers = layers({"a": "1"})
    fuse.mount(container, lowers)
    Path(container.merged, "b").write_text("2")
    os.stat(container.merged)
    process = program()
    process.signal(9)
    assert process.wait_gone(5)
    assert not died.works(container)
    with pytest.raises(died.RootfsDied, match="box is gone"):
        died.check(container, "box", "fuse-overlayfs")
    fuse.mount(container, lowers)
    died.check(container, "box", "fuse-overlayfs")
    assert sorted(os.listdir(container.merged)) == ["a", "b"]


def test_a_refusal_has_its_words(program, container, layers, monkeypatch):
    """The error about a failing program has its message, and nothing hangs."""
    monkeypatch.setattr(fuse, "_words", lambda *_arguments: (["-o", "lowerdir=/nowhere"], []))
    with pytest.raises(HostLacks, match="cannot read lower dirs"):
        fuse.mount(container, layers({"a": "1"}))
    assert mountinfo.at(container.merged) is None


def test_it_is_not_installed(container, layers, monkeypatch):
    """Without the program the error names the package."""
    monkeypatch.setattr(command, "SEARCH_PATH", "/nowhere")
    with pytest.raises(HostLacks, match="Install the package fuse-overlayfs"):
        fuse.mount(container, layers({"a": "1"}))


def test_a_colon_in_the_path(place, fuse_works):
    """A root with a colon is refused beforehand, because fuse-overlayfs splits paths at colons."""
    fuse_works()
    with pytest.raises(HostLacks, match="colon"):
        support.foresee("fuse-overlayfs", str(place / "a:b"))


def test_what_was_written_as_a_layer(program, container, layers, place):
    """The container's changes are archived as a layer, which unpacks to the same upper layer."""
    lowers = layers({"gone": "1", "kept": "1", "again/old": "1"})
    fuse.mount(container, lowers)
    os.unlink(f"{container.merged}/gone")
    os.unlink(f"{container.merged}/again/old")
    os.rmdir(f"{container.merged}/again")
    os.mkdir(f"{container.merged}/again")
    Path(container.merged, "again/new").write_text("2")
    for name in (
        "again/new",
        "again",
        "",
    ):  # because of its write cache, FUSE reports another time than the disk's
        os.utime(f"{container.merged}/{name}", ns=(1, 1))
    seen = listing(container.merged)
    fuse.unmount(container)
    assert ".wh..wh..opq" in os.listdir(f"{container.upper}/again")
    tar = b"".join(upper_layer.chunks(container.upper, files=True))
    with tarfile.open(fileobj=io.BytesIO(tar)) as told:
        assert sorted(told.getnames()) == [".", ".wh.gone", "again", "again/.wh..wh..opq", "again/new"]
    removal.remove_tree(container.upper)
    os.mkdir(container.upper)
    with files.directory(container.upper) as into:
        unpack(iter([tar]), into=into, lowers=lowers)
    fuse.mount(container, lowers)
    assert listing(container.merged) == seen


def test_what_is_seen_unmounted(program, container, layers, mounted, place):
    """An unmounted container is read without a visible mount; the program exits with the descriptor."""
    lowers = layers({"a": "1", "b": "1"})
    fuse.mount(container, lowers)
    os.unlink(f"{container.merged}/b")
    Path(container.merged, "c").write_text("3")
    fuse.unmount(container)
    fd, written = view.open_container(container, lowers, str(place), driver="fuse-overlayfs")
    [looker] = find_by_argument(f"slipway-view:{container.merged}")
    assert (sorted(os.listdir(fd)), written, mounted()) == (["a", "c"], True, [])
    with pytest.raises(OSError, match="Read-only"):
        os.unlink("a", dir_fd=fd)
    os.close(fd)
    assert looker.wait_gone(5)
