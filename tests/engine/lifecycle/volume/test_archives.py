# SPDX-License-Identifier: GPL-3.0-or-later
"""A volume's content as a tar and back: complete, once per archive, and unchanged after an error."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile

import pytest
from fulltree import MEGABYTE, assert_same, fill, inside, unpacked
from treelisting import listing

from _engine.errors import (
    ArchiveBroken,
    EngineError,
    HostLacks,
    InUse,
    InvalidOption,
    NotFound,
    StoreFull,
    UnsafeEntry,
)
from _engine.images.tar.decompress import decoded
from _engine.kernel import mounts
from _engine.lifecycle.files.volume_export import VolumeExport, export_volume
from _engine.lifecycle.volume.import_archive import NotEmpty, VolumeImport, import_volume
from enginehost import Host

FOREVER = ("sleep", "1000")
#: For tests without containers, which need only one runtime.
ONE = pytest.mark.parametrize("runtime", ["crun"], indirect=True)


@pytest.fixture
def volume(host):
    """Return the content of a volume with one of every kind of entry."""
    host.volume("data")
    data = host.data("data")
    data.rmdir()
    fill(data)
    os.chown(data, 33, 44)
    os.chmod(data, 0o1775)
    return data


@pytest.fixture
def send(host, tmp_path):
    """Return the function that exports volume ``data``."""

    def send(file: str = "out.tar", check: bool = False, **options):  # noqa: FBT001, FBT002
        with host.open(read_only=check) as engine:
            return export_volume(engine, VolumeExport("data", str(tmp_path / file), **options))

    return send


@pytest.fixture
def take(host, tmp_path):
    """Return the function that imports into a volume."""

    def take(file: str = "out.tar", name: str = "other", check: bool = False, **options):  # noqa: FBT001, FBT002
        with host.open(read_only=check) as engine:
            return import_volume(engine, VolumeImport(name, str(tmp_path / file), **options))

    return take


def archive(path, *members: tuple[str, bytes | None]) -> None:
    """Write a tar; a value of None is a directory."""
    with tarfile.open(path, "w") as tar:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.type = tarfile.DIRTYPE if content is None else tarfile.REGTYPE
            member.size = len(content or b"")
            tar.addfile(member, io.BytesIO(content or b""))


@ONE
def test_all_of_it_there_and_back(host, volume, send, take, tmp_path):
    """The archive has the volume's entries; an import restores them, and the next export is identical."""
    wanted = inside(str(volume))
    assert send().actions == (f"exported volume data to {tmp_path}/out.tar",)
    assert_same(unpacked(tmp_path / "out.tar", tmp_path / "out"), wanted)
    assert not send().changed
    host.volume("other")
    foreseen = take(check=True)
    outcome = take()
    assert (outcome.actions, outcome.differences) == (foreseen.actions, foreseen.differences)
    assert outcome.actions == (f"imported {tmp_path}/out.tar into volume other",)
    assert_same(listing(str(host.data("other"))), wanted)
    assert sorted(os.listdir(host.data("other").parent)) == [".staging", "data", "origin.json"]
    with host.open() as engine:
        export_volume(engine, VolumeExport("other", str(tmp_path / "again.tar")))
    assert (tmp_path / "again.tar").read_bytes() == (tmp_path / "out.tar").read_bytes()
    assert (
        outcome.result["imported_from"]["digest"]
        == "sha256:" + hashlib.sha256((tmp_path / "out.tar").read_bytes()).hexdigest()
    )


@ONE
@pytest.mark.parametrize("end", ["tar", "tar.gz", "tgz", "tar.bz2", "tar.xz", "tar.zst", "zst.tar"])
def test_compressed_by_its_name(host, send, take, tmp_path, end):
    """The suffix selects the compression, exporting again is unchanged, and each format can be read."""
    host.volume("data")
    host.data("data").joinpath("file").write_bytes(b"x" * 10000)
    send()
    send(f"x.{end}")
    assert not send(f"x.{end}").changed
    plain = (tmp_path / "out.tar").read_bytes()
    packed = (tmp_path / f"x.{end}").read_bytes()
    assert b"".join(decoded(iter([packed]))) == plain
    assert (packed == plain) is end.endswith("tar")
    host.volume("other")
    take(f"x.{end}")
    assert host.data("other").joinpath("file").read_bytes() == b"x" * 10000


@ONE
def test_once_for_the_same_archive(host, volume, send, take, tmp_path):
    """An import keeps later changes; another archive needs force, and the old content is a snapshot."""
    send()
    host.volume("other")
    take()
    other = host.data("other")
    other.joinpath("new").write_text("x")
    for check in (True, False):
        assert not take(check=check).changed
    assert take().warnings == ()
    assert "has changed since" in take(force=True).warnings[0]  # it may be meant as a restore
    archive(tmp_path / "small.tar", ("a", b"1"))
    before = host.picture()
    for check in (True, False):
        with pytest.raises(NotEmpty, match="force: true"):
            take("small.tar", check=check)
    foreseen = take("small.tar", check=True, force=True)
    assert host.picture() == before
    outcome = take("small.tar", force=True)
    assert outcome.actions == foreseen.actions
    assert outcome.actions[0] == "kept the content of volume other as a snapshot"
    assert os.listdir(other) == ["a"]
    assert (other.stat().st_uid, other.stat().st_mode & 0o7777) == (
        33,
        0o1775,
    )  # the archive does not have it
    assert other.parent.joinpath("snapshots", outcome.result["kept"], "data/new").exists()
    assert take(force=True, backup=False).result["kept"] is None
    assert not other.joinpath("a").exists()


def test_nothing_is_copied_up_afterwards(host, take, built, busybox, tmp_path):
    """An imported empty directory counts as content: the image's is not copied into it."""
    from dockerarchive import layer

    archive(tmp_path / "out.tar", ("./", None))
    host.volume("other")
    take()
    image = built("localhost/data:1", busybox, layer({"data": None, "data/first": b"of the image"}))
    host.start(*FOREVER, image=image, volume=["other:/data"], stop_timeout=0)
    assert os.listdir(host.data("other")) == []


@ONE
def test_names_that_mean_something_in_images(host, take, tmp_path):
    """A volume's archive is not a layer: a file named like a whiteout is a file."""
    archive(tmp_path / "out.tar", ("kept", b"1"), (".wh.kept", b"2"), ("d", None), ("d/.wh..wh..opq", b"3"))
    host.volume("other")
    take()
    other = host.data("other")
    assert {
        path.name: path.read_bytes()
        for path in (other / "kept", other / ".wh.kept", other / "d/.wh..wh..opq")
    } == {
        "kept": b"1",
        ".wh.kept": b"2",
        ".wh..wh..opq": b"3",
    }


def test_under_containers(host, volume, send, take):
    """A running container is frozen during an export, and prevents an import."""
    host.start(*FOREVER, volume=["data:/data:nocopy"], stop_timeout=0)
    assert send().result["paused"] == ["box"]
    assert send("none.tar", consistent="none").result["paused"] == []
    assert host.inspect()["State"]["Status"] == "running"
    wanted = listing(str(volume))
    host.volume("other")
    for check in (True, False):
        with pytest.raises(InUse, match="running containers that would keep the old content: box"):
            take(name="data", check=check, force=True)
    assert_same(listing(str(volume)), wanted)


@ONE
def test_bad_archives_change_nothing(host, volume, take, tmp_path):
    """A broken, truncated, unsafe or missing archive is refused, and the volume is unchanged."""
    archive(tmp_path / "good.tar", ("a", b"1" * 100000))
    good = (tmp_path / "good.tar").read_bytes()
    (tmp_path / "cut.tar").write_bytes(good[:50000])
    (tmp_path / "text.tar").write_bytes(b"hello world" * 1000)
    (tmp_path / "bytes.tar.gz").write_bytes(b"\x1f\x8b" + os.urandom(1000))
    (tmp_path / "empty.tar").write_bytes(b"")
    archive(tmp_path / "out.tar", ("../a", b"1"))
    archive(tmp_path / "dot.tar", ("a/../../b", b"1"))
    link(tmp_path / "link.tar")
    os.mkfifo(tmp_path / "fifo.tar")
    (tmp_path / "dir.tar").mkdir()
    before = host.rows(), listing(str(volume))
    for file, error in (
        ("cut.tar", ArchiveBroken),
        ("text.tar", ArchiveBroken),
        ("bytes.tar.gz", ArchiveBroken),
        ("empty.tar", ArchiveBroken),
        ("out.tar", UnsafeEntry),
        ("dot.tar", UnsafeEntry),
        ("link.tar", UnsafeEntry),
        ("fifo.tar", InvalidOption),
        ("dir.tar", InvalidOption),
        ("none.tar", InvalidOption),
    ):
        with pytest.raises(error):
            take(file, "data", force=True)
        assert os.listdir(volume.parent / ".staging") == []
        if file != "link.tar":  # a link's target is only known once it exists
            with pytest.raises(error):
                take(file, "data", force=True, check=True)
    with pytest.raises(NotFound, match="near: data"):
        take("good.tar", "dato")
    assert (host.rows(), listing(str(volume))) == before


def link(path) -> None:
    """Write an archive that leads out of the volume through its own symbolic link."""
    with tarfile.open(path, "w") as tar:
        member = tarfile.TarInfo("way")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc"
        tar.addfile(member)
        member = tarfile.TarInfo("way/out")
        tar.addfile(member, io.BytesIO(b""))


@ONE
def test_a_full_disk_leaves_it_as_it_was(tmp_path, runtime):
    """A full disk changes nothing, and no space is lost."""
    top = tmp_path / "small"
    top.mkdir()
    archive(tmp_path / "big.tar", ("a", os.urandom(6 * MEGABYTE)))
    mounts.tmpfs(str(top), size=8 * MEGABYTE, mode=0o700)
    try:
        host = Host(top, runtime, "localhost/box:1")
        host.volume("data")
        host.data("data").joinpath("old").write_bytes(bytes(3 * MEGABYTE))
        wanted, free = listing(str(host.data("data"))), os.statvfs(top).f_bfree
        with host.open() as engine, pytest.raises(StoreFull, match="no space is left to unpack"):
            import_volume(engine, VolumeImport("data", str(tmp_path / "big.tar"), force=True))
        assert listing(str(host.data("data"))) == wanted
        assert abs(os.statvfs(top).f_bfree - free) < 20
        assert os.listdir(host.data("data").parent / ".staging") == []
    finally:
        mounts.unmount(str(top))


@ONE
def test_no_zstd(host, take, send, monkeypatch, tmp_path):
    """Without zstd the error says what to do, also in check mode."""
    host.volume("data")
    (tmp_path / "x.tar.zst").write_bytes(b"\x28\xb5\x2f\xfd")
    monkeypatch.setattr("_engine.kernel.command.SEARCH_PATH", str(tmp_path))
    for check in (True, False):
        with pytest.raises(HostLacks, match="no program zstd"):
            send("out.tar.zst", check=check)
        with pytest.raises(HostLacks, match="no program zstd"):
            take("x.tar.zst", "data", check=check)


@ONE
def test_no_device_is_opened(host, volume, send):
    """A device that a container puts in a file's place can't be opened through an export."""
    from _engine.lifecycle.volume.read_content import find_volume, reading

    os.mknod(volume / "null", 0o20666, os.makedev(1, 3))
    with host.open() as engine, reading(engine, find_volume(engine, "data"), "none", "test") as source:
        with pytest.raises(PermissionError):
            os.open("null", os.O_RDONLY, dir_fd=source.fd)
        with pytest.raises(OSError, match="Read-only"):
            os.open("new", os.O_WRONLY | os.O_CREAT, dir_fd=source.fd)


@ONE
def test_errors_are_told(host, send):
    """A missing volume is reported with similar names."""
    with pytest.raises(EngineError, match="no volume named 'data'"):
        send()
