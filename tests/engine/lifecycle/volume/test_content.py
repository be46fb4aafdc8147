# SPDX-License-Identifier: GPL-3.0-or-later
"""Files in a volume, as a task describes them: only differences are written, atomically and inside it."""

from __future__ import annotations

import os
import stat
import subprocess
import tarfile
from contextlib import suppress

import pytest

from _engine.errors import EngineError, InvalidOption, NotFound, StoreFull, WrongState
from _engine.kernel import mounts
from _engine.lifecycle.files.volume_content import ContentRequest, InlineFile, converge_content
from _engine.lifecycle.files.volume_export import VolumeExport, export_volume
from _engine.lifecycle.volume.import_archive import VolumeImport, import_volume
from _engine.lifecycle.volume.replace import OwnFileSystem
from _engine.lifecycle.volume.snapshot import SnapshotRequest, converge_snapshot
from _engine.trees.sync import KindDiffers
from enginehost import Host

FOREVER = ("sleep", "1000")
#: For tests without containers, which need only one runtime.
ONE = pytest.mark.parametrize("runtime", ["crun"], indirect=True)
MEGABYTE = 1 << 20
#: A script that swaps a directory and a symlink in a tight loop.
SWAPPER = """
import os, sys
from _engine.kernel import libc
fd = os.open(sys.argv[1], os.O_RDONLY)
print("swaps", flush=True)
while True:
    libc.renameat2(fd, "d", fd, "evil", libc.RENAME_EXCHANGE)
"""


@pytest.fixture
def volume(host):
    """Return the content of a volume with another owner."""
    host.volume("data")
    os.chown(host.data("data"), 1000, 1001)
    return host.data("data")


@pytest.fixture
def source(tmp_path):
    """Return a tree of the host."""
    top = tmp_path / "source"
    (top / "sub").mkdir(parents=True)
    (top / "a").write_text("text\n")
    (top / "sub/b").write_bytes(b"\0\1" * 1000)
    (top / "sub/b.bak").write_text("x")
    os.symlink("a", top / "link")
    (top / "a").chmod(0o640)
    return top


@pytest.fixture
def write(host):
    """Return the function that puts files into volume ``data``."""

    def write(*files: InlineFile, check: bool = False, **options):
        with host.open(read_only=check) as engine:
            return converge_content(engine, ContentRequest("data", files=files, **options))

    return write


def seen(top) -> dict[str, tuple]:
    """Return all entries below a directory: mode, owners, content."""
    found = {}
    for path in sorted(top.rglob("*")):
        info = path.lstat()
        content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        found[str(path.relative_to(top))] = (oct(info.st_mode), info.st_uid, info.st_gid, content)
    return found


@ONE
def test_ladder(volume, source, write, host):
    """Check mode predicts the run; a second run is unchanged; the diff is per file; delete removes others."""
    volume.joinpath("other").write_text("stays")
    options = {"src": f"{source}/", "exclude": ("*.bak",)}
    before = host.picture()
    foreseen = write(check=True, **options)
    assert host.picture() == before
    outcome = write(**options)
    assert (outcome.actions, outcome.result["changes"]) == (foreseen.actions, foreseen.result["changes"])
    assert outcome.actions == ("changed the content of volume data",)
    assert [one["path"] for one in outcome.result["changes"]] == ["a", "link", "sub", "sub/b"]
    assert seen(volume) == {
        "a": ("0o100640", 1000, 1001, b"text\n"),
        "link": ("0o120777", 1000, 1001, "a"),
        "other": ("0o100644", 0, 0, b"stays"),
        "sub": ("0o40755", 1000, 1001, None),
        "sub/b": ("0o100644", 1000, 1001, b"\0\1" * 1000),
    }
    inodes = {path: path.lstat().st_ino for path in volume.rglob("*")}
    for check in (True, False):
        assert not write(check=check, **options).changed
    assert {path: path.lstat().st_ino for path in volume.rglob("*")} == inodes
    (source / "a").write_text("other\n")
    (source / "link").unlink()
    outcome = write(delete=True, **options)
    assert outcome.result["diff"][0] == {
        "before_header": "a", "after_header": "a", "before": "text\n", "after": "other\n",
    }  # fmt: skip
    assert [(one["path"], one["changes"]) for one in outcome.result["changes"]] == [
        ("a", ["content"]),
        ("other", ["delete"]),
        ("link", ["delete"]),
    ]
    assert not write(delete=True, **options).changed


@ONE
def test_files_of_the_list(volume, source, write):
    """Listed files have their own owners and modes, override those of the tree, and get their directories."""
    files = (
        InlineFile("a", b"mine"),
        InlineFile("deep/er/c", b"x", "7", "8", 0o600),
        InlineFile("suid", b"x", mode=0o4755),
    )
    options = {"src": str(source), "dest": "/new/place", "owner": "5", "directory_mode": 0o700}
    assert write(*files, **options).changed
    found = seen(volume)
    assert found["new/place/a"] == ("0o100644", 5, 1001, b"mine")
    assert found["new/place/source/a"] == ("0o100640", 5, 1001, b"text\n")
    assert found["new/place/deep/er/c"] == ("0o100600", 7, 8, b"x")
    assert found["new/place/suid"] == ("0o104755", 5, 1001, b"x")
    assert found["new/place/deep"] == ("0o40700", 5, 1001, None)
    assert not write(*files, **options).changed
    assert write(*files, **{**options, "mode": 0o444}).changed
    found = seen(volume)
    assert [found[f"new/place/{name}"][0] for name in ("a", "deep/er/c", "source/a")] == [
        "0o100444",
        "0o100600",
        "0o100444",
    ]
    volume.joinpath("new/place/a").chmod(0o755)
    assert not write(InlineFile("a", b"mine"), dest="new/place").changed  # no mode was set


@ONE
def test_refused(volume, source, write, host):
    """Invalid requests are refused, also in check mode, and change nothing."""
    volume.joinpath("dir").mkdir()
    volume.joinpath("file").touch()
    os.mkfifo(source / "fifo")
    before = host.picture()
    for check in (True, False):
        with pytest.raises(KindDiffers, match="overwrite: true"):
            write(InlineFile("dir", b"x"), check=check)
        with pytest.raises(InvalidOption, match="not a directory"):
            write(InlineFile("x", b"x"), dest="/file", check=check)
        with pytest.raises(EngineError, match="FIFO"):
            write(src=f"{source}/", check=check)
        with pytest.raises(InvalidOption, match="not a user of the host"):
            write(InlineFile("x", b"x"), owner="nobody-here", check=check)
        with pytest.raises(InvalidOption, match="does not exist"):
            write(src="/none/such", check=check)
        with host.open(read_only=check) as engine, pytest.raises(NotFound, match="near: data"):
            converge_content(engine, ContentRequest("dato", files=(InlineFile("x", b"x"),)))
    assert host.picture() == before
    assert write(InlineFile("dir", b"x"), overwrite=True).changed
    assert volume.joinpath("dir").read_text() == "x"


def test_under_a_container_that_runs(host, volume, write):
    """A running container sees a new file at once and whole; nothing is copied up later."""
    script = "while [ ! -e /data/conf/a ]; do sleep 0.05; done; cat /data/conf/a; sleep 1000"
    write(InlineFile("first", b"x"))
    host.start("sh", "-c", script, volume=["data:/data"], stop_timeout=0)
    write(InlineFile("conf/a", b"line\n" * 10000))
    host.said("line")
    assert host.log()[0] == "line\n" * 10000


@ONE
def test_a_container_that_swaps_symlinks(volume, write, tmp_path, python_child):
    """A directory that is swapped for a symlink all the time never leads a write or deletion out."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("stays")
    volume.joinpath("d").mkdir()
    os.symlink(outside, volume / "evil")
    racer = python_child(SWAPPER, str(volume))
    assert racer.stdout.readline() == "swaps\n"
    written = 0
    for number in range(int(os.environ.get("RACE_ROUNDS", "100"))):
        files = (InlineFile("d/x", b"%d" % number), InlineFile("d/sub/y", b"%d" % number))
        with suppress(WrongState, KindDiffers):
            write(*files, delete=number % 2 == 0, exclude=("evil",))
            written += 1
    racer.kill()
    assert seen(outside) == {"precious": ("0o100644", 0, 0, b"stays")}
    assert written > 0


@ONE
def test_a_device_is_not_opened(volume, write):
    """An entry that a container has put in a file's place is replaced, never written to or read."""
    os.mknod(volume / "a", 0o20666, os.makedev(1, 3))
    os.mkfifo(volume / "b")
    assert write(InlineFile("a", b"x"), InlineFile("b", b"y")).changed
    assert all(stat.S_ISREG((volume / name).lstat().st_mode) for name in "ab")


@ONE
def test_a_full_disk(tmp_path, runtime):
    """On a full disk the old file stays."""
    top = tmp_path / "small"
    top.mkdir()
    mounts.tmpfs(str(top), size=4 * MEGABYTE, mode=0o700)
    try:
        host = Host(top, runtime, "localhost/box:1")
        host.volume("data")
        host.data("data").joinpath("big").write_bytes(b"old")
        files = (InlineFile("big", os.urandom(5 * MEGABYTE)),)
        with host.open() as engine, pytest.raises(StoreFull, match="no space is left in volume data"):
            converge_content(engine, ContentRequest("data", files=files))
        assert seen(host.data("data")) == {"big": ("0o100644", 0, 0, b"old")}
    finally:
        mounts.unmount(str(top))


# -- file systems of their own, and quotas ---------------------------------------------------------


@ONE
def test_a_file_system_of_its_own(host, tmp_path):
    """A disk volume can be exported, snapshotted and written, but not replaced in one step."""
    image = tmp_path / "disk"
    with image.open("wb") as stream:
        stream.truncate(8 * MEGABYTE)
    subprocess.run(["mkfs.ext4", "-q", str(image)], check=True)
    host.volume("data", "present", "type=ext4", f"device={image}")
    with host.open() as engine:
        converge_content(engine, ContentRequest("data", files=(InlineFile("a", b"x"),), delete=True))
        made = converge_snapshot(engine, SnapshotRequest("data", snapshot="one"))
        assert made.result["snapshot"]["entries"] == 2  # lost+found still exists
        export_volume(engine, VolumeExport("data", str(tmp_path / "out.tar")))
        with tarfile.open(tmp_path / "out.tar") as tar:
            assert "a" in [name.removeprefix("./") for name in tar.getnames()]
        for act in (
            lambda: converge_snapshot(engine, SnapshotRequest("data", "restored", "one")),
            lambda: import_volume(engine, VolumeImport("data", str(tmp_path / "out.tar"), force=True)),
        ):
            with pytest.raises(OwnFileSystem, match="volume_content"):
                act()
    assert (host.data("data").parent / "snapshots/one/data/a").read_text() == "x"
    assert host.mounts() == []


@ONE
def test_a_volume_in_memory(host):
    """Nothing is written into a volume that would lose it at once."""
    host.volume("data", "present", "type=tmpfs")
    request = ContentRequest("data", files=(InlineFile("a", b"x"),))
    with host.open() as engine, pytest.raises(WrongState, match="state: mounted"):
        converge_content(engine, request)
    host.volume("data", "mounted", "type=tmpfs")
    with host.open() as engine:
        assert converge_content(engine, request).changed
    assert host.data("data").joinpath("a").read_text() == "x"
