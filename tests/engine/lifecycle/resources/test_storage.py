# SPDX-License-Identifier: GPL-3.0-or-later
"""Storage drivers: a container's life is the same with each, and its driver is chosen once."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest
from treelisting import listing

from _engine.errors import EngineError, HostLacks, StoreFull
from _engine.kernel import command, libc, mountinfo, mounts
from _engine.kernel.process import find_by_argument
from _engine.lifecycle.exec.exec import execute
from _engine.lifecycle.files.copy import CopyRequest, copy
from _engine.lifecycle.files.diff import changed_paths
from _engine.lifecycle.files.export import ExportRequest, export
from _engine.lifecycle.files.mount import MountRequest, converge_mount
from _engine.lifecycle.host.info import host as told
from _engine.lifecycle.info.explain import explain
from _engine.lifecycle.info.info import containers as info
from _engine.model.container.execution import ExecSpec
from _engine.model.engine.storage_drivers import DRIVERS, FUSE, OVERLAY, VFS
from _engine.rootfs import probe
from _engine.state import meta
from dockerarchive import layer, write_archive
from enginehost import Host, eventually

FOREVER = ("sleep", "1000")


@pytest.fixture(autouse=True)
def fuse_works(need):
    """Skip the test without fuse-overlayfs."""
    need(shutil.which("fuse-overlayfs"), "fuse-overlayfs")
    need(os.path.exists("/dev/fuse"), "/dev/fuse")


@pytest.fixture(params=DRIVERS)
def driver(request) -> str:
    """Return the name of each driver."""
    return request.param


@pytest.fixture
def driven(host, driver):
    """Return the engine, with the driver for new containers."""
    host.storage_driver = driver
    yield host
    host.clear()
    host.storage_driver = None


def exported(host, path: Path) -> dict[str, tuple]:
    """Export the container, and list the archive: mode, owner, group and size by name."""
    with host.open() as engine:
        export(engine, ExportRequest("box", str(path)))
    with tarfile.open(path) as tar:
        return {entry.name: (oct(entry.mode), entry.uid, entry.gid, entry.size) for entry in tar}


def sizes(host) -> dict[str, int]:
    """Return the container's SizeRootFs and SizeRw."""
    with host.open(read_only=True) as engine:
        shape = info(engine, ["box"], size=True).result["containers"][0]
    return {name: shape[name] for name in ("SizeRootFs", "SizeRw")}


def driver_of(host) -> str:
    """Return the container's driver."""
    return host.inspect()["Driver"]


def programs(host) -> tuple:
    """Return the programs that serve the container's root file system."""
    return find_by_argument(f"slipway-rootfs:{host.layout.container(host.record().id).merged}")


# -- the life of a container with each ---------------------------------------------------------------

LIFE = """
[ -e /big ] && exec sleep 1000
echo written > /etc/note; rm /etc/group; rm -r /home; mkdir /home; echo new > /home/new; chown 5:6 /home/new
mkdir -p /a/b/c; ln -s c /a/b/link; chmod 4711 /home/new; head -c 100000 /dev/zero > /big; echo done; sleep 1000
"""
WRITTEN = {
    "etc/note": ("0o644", 0, 0, 8),
    "home/new": ("0o4711", 5, 6, 4),
    "big": ("0o644", 0, 0, 100000),
    "etc/passwd": ("0o644", 0, 0, 65),
}
GONE = {"etc/group", "home/app"}


@pytest.mark.parametrize(
    "options", [{}, {"userns": "private", "uidmap": ["0:100000:65536"]}], ids=["host", "userns"]
)
def test_a_life(driven, driver, options, tmp_path_factory, request):
    """A container is created, started, written, exported, measured, stopped, restarted and removed."""
    host = driven
    if options:
        host = request.getfixturevalue("passed")
    host.want("present", "sh", "-c", LIFE, stop_timeout=0, **options)
    assert driver_of(host) == driver
    place = tmp_path_factory.mktemp("out")
    fresh = exported(host, place / "0.tar")
    assert fresh.keys() >= GONE
    host.start("sh", "-c", LIFE, stop_timeout=0, **options)
    host.said("done")
    assert len(programs(host)) == (driver == FUSE)
    running = exported(host, place / "1.tar")
    assert {name: running[name] for name in WRITTEN} == WRITTEN
    assert GONE & running.keys() == set()
    assert sizes(host)["SizeRw"] == 100000 + 8 + 4
    host.bring("box", "stopped", stop_time=0)
    assert programs(host) == ()
    assert exported(host, place / "2.tar") == running
    assert sizes(host)["SizeRw"] == 100000 + 8 + 4
    assert host.bring("box", "started").actions
    assert exported(host, place / "3.tar") == running
    host.bring("box", "absent", stop_time=0)


@pytest.fixture
def passed(runtime, driver, busybox, keep_clean, tmp_path_factory):
    """Return an engine in a directory that a user namespace's users can traverse."""
    top = Path(tempfile.mkdtemp(prefix="slipway-storage-"))
    top.chmod(0o755)
    host = Host(top, runtime, "localhost/box:1")
    host.storage_driver = driver
    host.load(write_archive(tmp_path_factory.mktemp("box") / "box.tar", host.image, [busybox]))
    try:
        yield from keep_clean(host)
    finally:
        shutil.rmtree(top)


@pytest.mark.parametrize("runtime", ["runc"], indirect=True)
def test_a_volume_is_filled(driven, built, busybox):
    """Copy-up reads the image's content with every driver."""
    image = built(
        "localhost/data:1",
        busybox,
        layer({"data": None, "data/a": b"first"}),
        layer({"data/.wh.a": b"", "data/b": b"2"}),
    )
    driven.start(*FOREVER, image=image, volume=["data:/data"], stop_timeout=0)
    assert listing(driven.data("data")).keys() == {b"", b"b"}


def changed(host) -> set[tuple[str, str]]:
    """Return the container's changes to its image, as kind and path."""
    with host.open(read_only=True) as engine:
        return {(item.kind, item.path) for item in changed_paths(engine, "box")}


def copied(
    host, *, out: Path | None = None, into: Path | None = None, check: bool = False
) -> tuple[str, ...]:
    """Copy /etc/note out of the container, or a file to it; return the actions."""
    asked = CopyRequest("box", "/etc/note", str(out), from_container=True) if out else None
    with host.open(read_only=check) as engine:
        return copy(engine, asked or CopyRequest("box", str(into), "/etc/note")).actions


def mountpoint(host, state: str) -> Path:
    """Bring the mount for tools on the host to the state, and return the mount point."""
    with host.open() as engine:
        return Path(converge_mount(engine, MountRequest("box", state)).result["mountpoint"])


def test_files_in_reach(driven, tmp_path):
    """Files of a container that does not run can be copied, listed as changes, and mounted for the host."""
    host = driven
    host.want("present", *FOREVER, stop_timeout=0)
    note = tmp_path / "note"
    note.write_text("one\n")
    assert copied(host, into=note, check=True) != ()
    assert copied(host, into=note) != ()
    assert copied(host, into=note) == ()
    assert (host.mounts(), programs(host)) == ([], ())
    assert ("added", "/etc/note") in changed(host)
    copied(host, out=tmp_path / "back")
    assert (tmp_path / "back").read_text() == "one\n"
    place = mountpoint(host, "mounted")
    assert (place / "etc/note").read_text() == "one\n"
    host.bring("box", "started")
    host.bring("box", "stopped")
    assert (place / "etc/note").read_text() == "one\n"
    mountpoint(host, "unmounted")
    assert host.mounts() == []


# -- the choice --------------------------------------------------------------------------------------


def lacking(host) -> tuple[str, dict]:
    """Return the engine's storage driver, and why it is none of the others."""
    with host.open(read_only=True) as engine:
        found = told(engine).result["engine"]
    return found["storage_driver"], found["storage_lacks"]


@pytest.mark.parametrize("runtime", ["crun"], indirect=True)
def test_kept_by_a_container(host):
    """A container keeps the driver of its creation; a later task's driver applies to new ones only."""
    host.want("started", *FOREVER, settings={"storage_driver": VFS}, stop_timeout=0)
    assert host.want("started", *FOREVER, settings={"storage_driver": OVERLAY}, stop_timeout=0).actions == ()
    host.bring("box", "stopped")
    host.want("started", *FOREVER, settings={"storage_driver": FUSE}, stop_timeout=0)
    assert driver_of(host) == VFS
    host.want("started", *FOREVER, settings={"storage_driver": FUSE}, stop_timeout=0, recreate=True)
    assert driver_of(host) == FUSE


@pytest.mark.parametrize("runtime", ["runc"], indirect=True)
def test_tried_once(host, monkeypatch):
    """Drivers are tried when the first container is created, and again after a change of the host."""
    tried = []
    lacks = probe.lacks
    monkeypatch.setattr(probe, "lacks", lambda name, *rest: tried.append(name) or lacks(name, *rest))
    with host.open() as engine, engine.database.transaction() as connection:
        connection.execute("DELETE FROM meta WHERE key = ?", (meta.STORAGE,))
    assert lacking(host) == (OVERLAY, {FUSE: "overlay is preferred", VFS: "overlay is preferred"})
    for number in range(2):
        host.want("present", *FOREVER, name=f"box{number}")
    assert tried == [OVERLAY]
    with host.open() as engine, engine.database.transaction() as connection:
        kept = json.loads(meta.get(connection, meta.STORAGE))
        meta.put(connection, meta.STORAGE, json.dumps({**kept, "host": "another"}))
    host.want("present", *FOREVER, name="box2")
    assert tried == [OVERLAY, OVERLAY]
    assert host.mounts() == []


@pytest.mark.parametrize("runtime", ["crun"], indirect=True)
def test_not_installed(host, monkeypatch):
    """A requested driver that is not installed is refused with a remedy, also in check mode."""
    programs = Path(shutil.which("fuse-overlayfs"))
    monkeypatch.setattr(command, "find_program", hiding(programs.name, command.find_program))
    monkeypatch.setattr("_engine.rootfs.support.find_program", hiding(programs.name, command.find_program))
    before = host.leftovers()
    for check in (True, False):
        with pytest.raises(HostLacks, match=r"not installed.*Install the package"):
            host.want("started", *FOREVER, settings={"storage_driver": FUSE, "read_only": check})
    assert host.leftovers() == before
    assert lacking(host)[1][FUSE].startswith("fuse-overlayfs is not installed")


def hiding(name: str, find):
    """Return a search function that does not find this program."""
    return lambda wanted, **more: None if wanted == name else find(wanted, **more)


# -- failures ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("runtime", ["runc"], indirect=True)
def test_no_room_for_a_copy(runtime, busybox, keep_clean, tmp_path):
    """A copy without enough space fails and leaves nothing; with space the same task succeeds."""
    mounts.tmpfs(str(tmp_path), size=24 << 20, mode=0o755)
    try:
        host = Host(tmp_path / "top", runtime, "localhost/box:1")
        with host.open():
            pass
        for case in keep_clean(host, images=True):
            case.build(host.image, busybox, layer({"big": os.urandom(3 << 20)}))
            room = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_bsize
            (tmp_path / "ballast").write_bytes(bytes(room - (2 << 20)))
            with pytest.raises(StoreFull, match="copy of the image"):
                case.want("started", *FOREVER, settings={"storage_driver": VFS}, stop_timeout=0)
            container = case.layout.container(case.record().id)
            assert not [name for name in os.listdir(container.static) if name.startswith("merged")]
            (tmp_path / "ballast").unlink()
            case.want("started", *FOREVER, settings={"storage_driver": VFS}, stop_timeout=0)
            assert case.inspect()["State"]["Status"] == "running"
            case.clear()
    finally:
        mounts.unmount(str(tmp_path))


@pytest.mark.parametrize("runtime", ["runc"], indirect=True)
def test_the_program_dies(host, agent):
    """If the program of a running container dies, operations that need it fail; a restart repairs it."""
    host.want("started", *FOREVER, settings={"storage_driver": FUSE}, stop_timeout=0)
    [program] = programs(host)
    program.signal(9)
    assert program.wait_gone(5)
    with host.open() as engine:
        for act in (
            lambda: execute(engine, "box", ExecSpec(("true",))),
            lambda: export(engine, ExportRequest("box", f"{host.top}/x.tar")),
        ):
            with pytest.raises(EngineError, match="Restart the container") as caught:
                act()
            assert caught.value.code == "rootfs_died"
        assert any("fuse-overlayfs" in line for line in explain(engine, host.record()))
    host.bring("box", "restarted", stop_time=0)
    with host.open() as engine:
        assert execute(engine, "box", ExecSpec(("true",)))[1].code == 0


# -- on an overlay -----------------------------------------------------------------------------------


@contextmanager
def on_an_overlay(top: Path):
    """Yield a directory on an overlay, as an engine in a container has."""
    for name in ("l", "u", "w", "m"):
        (top / name).mkdir()
    libc.mount("overlay", str(top / "m"), "overlay", 0, f"lowerdir={top}/l,upperdir={top}/u,workdir={top}/w")
    try:
        yield top / "m"
    finally:
        mounts.unmount_below(str(top / "m"))


@pytest.mark.parametrize("there", [True, False], ids=["with fuse", "without"])
def test_overlay_on_overlay(runtime, there, busybox, keep_clean, tmp_path, monkeypatch):
    """An engine whose root is on an overlay chooses a driver that works there, from the first image on."""
    if not there:
        monkeypatch.setattr("_engine.rootfs.support.find_program", hiding(FUSE, command.find_program))
    with on_an_overlay(tmp_path) as top:
        host = Host(top / "engine", runtime, "localhost/box:1")
        with host.open():
            pass
        for case in keep_clean(host, images=True):
            life_on_an_overlay(case, busybox, FUSE if there else VFS, tmp_path / "x.tar")
            case.clear()


def life_on_an_overlay(host, busybox: bytes, wanted: str, archive: Path) -> None:
    """Fail unless a container of an image with hidden lower files runs twice, and has the right files."""
    low = layer({"gone": b"1", "d/old": b"1"})
    high = layer({".wh.gone": b"", "d/.wh..wh..opq": b"", "d/new": b"2"})
    host.build(host.image, busybox, low, high)
    name, lacks = lacking(host)
    assert (name, "file system (overlay" in lacks[OVERLAY]) == (wanted, True)
    host.start("sh", "-c", "ls -d /gone /d/*; echo x > /x; rm /d/new; sleep 1000", stop_timeout=0)
    assert driver_of(host) == wanted
    assert (mountinfo.at(host.layout.container(host.record().id).merged) is None) == (wanted == VFS)
    host.said("/d/new")
    host.bring("box", "restarted", stop_time=0)
    eventually(lambda: "/d/*" in host.log()[1], "the second run finds nothing in /d")
    found = exported(host, archive).keys()
    assert {"x", "d"} <= found
    assert {"gone", "d/new", "d/old"} & found == set()
