# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots of volumes: atomic, consistent, and restored without data loss."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import pytest
from treelisting import listing

from _engine.errors import InUse, NotFound, StoreFull
from _engine.kernel import mounts
from _engine.kernel.cgroup import freezer
from _engine.lifecycle.info import info
from _engine.lifecycle.volume.snapshot import SnapshotRequest, converge_snapshot
from enginehost import eventually

FOREVER = ("sleep", "1000")
#: For tests without containers, which need only one runtime.
ONE = pytest.mark.parametrize("runtime", ["crun"], indirect=True)
MEGABYTE = 1 << 20


@pytest.fixture
def volume(host):
    """Return a volume's content: a few files of another owner."""
    host.volume("data")
    data = host.data("data")
    data.joinpath("dir").mkdir()
    data.joinpath("dir/file").write_text("old")
    os.link(data / "dir/file", data / "another")
    os.symlink("/etc/passwd", data / "link")
    os.chown(data / "dir", 1000, 1000)
    os.setxattr(data / "dir/file", "user.note", b"x")
    os.chmod(data, 0o2770)
    return data


@pytest.fixture
def snap(host):
    """Return the function that takes snapshots of volume ``data``."""

    def snap(snapshot: str | None = None, state: str = "present", check: bool = False, **options):  # noqa: FBT001, FBT002
        with host.open(read_only=check) as engine:
            return converge_snapshot(engine, SnapshotRequest("data", state, snapshot, **options))

    return snap


def names(host) -> list[str]:
    """Return the names of volume ``data``'s snapshots from a result."""
    with host.open(read_only=True) as engine:
        [shape] = info.volumes(engine, ["data"]).result["volumes"]
    return [one["name"] for one in shape["snapshots"]]


def like(path) -> dict:
    """Return a tree without what a copy can't preserve: inode numbers and access times."""
    return listing(str(path))


@ONE
def test_made_restored_removed(host, volume, snap):
    """A restore brings everything back, keeps what it replaces as a snapshot, and is idempotent."""
    wanted = like(volume)
    before = host.picture()
    foreseen = snap("one", check=True)
    assert host.picture() == before
    made = snap("one")
    assert made.actions == foreseen.actions == ("created snapshot one of volume data",)
    assert made.result["snapshot"]["entries"] == 4
    assert like(volume.parent / "snapshots/one/data") == wanted
    assert not snap("one").changed
    volume.joinpath("new").write_text("x")
    volume.joinpath("another").unlink()
    after = like(volume)
    foreseen = snap("one", "restored", check=True)
    assert like(volume) == after
    outcome = snap("one", "restored")
    assert outcome.actions == foreseen.actions
    assert outcome.actions == (
        "kept the content of volume data as a snapshot",
        "restored volume data from snapshot one",
    )
    assert like(volume) == wanted
    kept = outcome.result["kept"]
    assert kept.startswith("before-restore-")
    assert like(volume.parent / "snapshots" / kept / "data") == after
    assert names(host) == ["one", kept]
    assert not snap("one", "restored").changed
    assert not snap("one", "restored", check=True).changed
    assert snap(kept, "restored", backup=False).result["kept"] is None
    assert like(volume) == after
    for name in ("one", kept):
        assert snap(name, "absent").actions == (f"removed snapshot {name} of volume data",)
        assert not snap(name, "absent").changed
    assert names(host) == []
    assert sorted(os.listdir(volume.parent)) == [".staging", "data", "origin.json", "snapshots"]


CHANGES = {
    "write": lambda top: rewritten(top / "dir/file"),
    "mode": lambda top: (top / "dir/file").chmod(0o600),
    "unlink": lambda top: (top / "another").unlink(),
    "create": lambda top: ((top / "dir/x").touch(), (top / "dir/x").unlink()),
    "link": lambda top: os.link(top / "dir/file", top / "more"),
    "times": lambda top: os.utime(top / "dir/file", ns=(0, 0)),
    "root": lambda top: top.chmod(0o700),
}


def rewritten(path) -> None:
    """Rewrite a file with the same size and times."""
    seen = path.stat()
    path.write_text("owt")
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))


@ONE
def test_any_change_is_seen(volume, snap):
    """Any change since a restore, also with its times reset, makes the next restore copy again."""
    snap("one")
    snap("one", "restored", backup=False)
    for name, change in CHANGES.items():
        assert not snap("one", "restored", check=True).changed, name
        change(volume)
        assert snap("one", "restored", backup=False).changed, name
        assert (volume / "dir/file").read_text() == "old"


@ONE
def test_keep_last(host, volume, snap):
    """The newest are kept, snapshots of replaced content do not count, and check mode predicts this."""
    made = [snap().result["snapshot"]["name"] for _time in range(3)]
    assert len({*made}) == 3
    snap(made[0], "restored")
    kept = names(host)[-1]
    foreseen = snap(keep_last=2, check=True)
    assert names(host) == [*made, kept]
    outcome = snap(keep_last=2)
    assert outcome.actions == foreseen.actions
    new = outcome.result["snapshot"]["name"]
    assert outcome.actions == (
        "created a snapshot of volume data",
        *(f"removed snapshot {name} of volume data" for name in made[:2]),
    )
    assert names(host) == [made[2], kept, new]
    assert not snap(made[2], keep_last=2).changed
    assert (
        snap(made[2], keep_last=1).changed is False
    )  # the older one was requested by name, so it stays, and so does the newer
    assert snap(None, "absent", keep_last=0).changed
    assert names(host) == [kept]


def test_not_under_a_container_that_runs(host, volume, snap):
    """A running container prevents a restore, also in check mode, but not a snapshot."""
    snap("one")
    host.start(*FOREVER, volume=["data:/data"], stop_timeout=0)
    volume.joinpath("new").write_text("x")
    for check in (True, False):
        with pytest.raises(InUse, match="running containers that would keep the old content: box"):
            snap("one", "restored", check=check)
    assert volume.joinpath("new").exists()
    outcome = snap("two")
    assert outcome.result["paused"] == ["box"]
    assert host.inspect()["State"]["Status"] == "running"
    assert host.events()[-2:] == ["pause", "unpause"]
    assert not freezer.is_frozen(host.record().process.pid)
    assert snap("three", consistent="none").result["paused"] == []
    host.bring("box", "stopped")
    assert snap("one", "restored").changed
    host.bring("box", "started")
    assert not volume.joinpath("new").exists()


def test_two_files_fit_each_other(host, volume, snap):
    """A container that writes a number to two files never has two numbers in a snapshot."""
    script = "i=0; while :; do i=$((i+1)); echo $i > /data/a; echo $i > /data/b; done"
    host.start("sh", "-c", script, volume=["data:/data"], stop_timeout=0)
    eventually((volume / "b").exists, "it writes")
    for number in range(5):
        snap(f"s{number}")
        top = volume.parent / f"snapshots/s{number}/data"
        # A freeze between the two is fine: then the first is one ahead, or has just been truncated by the shell.
        first, second = ((top / name).read_text().strip() for name in "ab")
        assert first == "" or second == "" or int(first) - int(second) in (0, 1)
    before = (volume / "a").read_text()
    eventually(lambda: (volume / "a").read_text() != before, "it goes on")


def test_killed_while_it_stands_still(host, volume):
    """When a task is killed while containers are frozen, they are thawed at once."""
    host.start(*FOREVER, volume=["data:/data"], stop_timeout=0)
    host.agent("ps")
    pid = host.record().process.pid
    script = f"""
from _engine.lifecycle.host.opening import open_engine
from _engine.lifecycle.guard.freeze_for_snapshot import stilled
with open_engine({host.layout.root!r}, {host.layout.run_root!r}, runtime={host.runtime!r}) as engine:
    with stilled(engine, [{host.record().id!r}], "test"):
        print("still", flush=True)
        time.sleep(100)
"""
    process = child(script)
    assert process.stdout.readline() == b"still\n"
    assert freezer.is_frozen(pid)
    assert host.record().intent == "still"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    eventually(lambda: not freezer.is_frozen(pid), "it goes on", timeout=20)
    eventually(lambda: host.record().intent == "", "the record says so")
    assert host.inspect()["State"]["Status"] == "running"


def test_mended_by_the_next_task(host, volume, snap):
    """Without a watcher the next task that locks the container thaws it."""
    from _engine.lifecycle.core.facts import save
    from _engine.runtime import oci

    host.start(*FOREVER, volume=["data:/data"], stop_timeout=0)
    record = host.record()
    with host.open() as engine:
        save(engine, record, intent="still")
        oci.find_runtime(record.runtime, root=host.layout.runtime_root).pause(record.id)
    assert freezer.is_frozen(record.process.pid)
    snap("one", consistent="pause")
    assert not freezer.is_frozen(record.process.pid)
    assert host.record().intent == ""


def child(script: str) -> subprocess.Popen:
    """Start Python on a script that drives an engine."""
    import sys

    path = os.pathsep.join(sys.path)
    return subprocess.Popen(
        [sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": path}, stdout=subprocess.PIPE
    )


@ONE
def test_a_full_disk_leaves_all_as_it_was(tmp_path, runtime, keep_clean):
    """On a full disk neither a snapshot nor a restore changes anything, and no space is lost."""
    from enginehost import Host

    top = tmp_path / "small"
    top.mkdir()
    mounts.tmpfs(str(top), size=8 * MEGABYTE, mode=0o700)
    try:
        host = Host(top, runtime, "localhost/box:1")
        host.volume("data")
        data = host.data("data")
        data.joinpath("big").write_bytes(os.urandom(2 * MEGABYTE))
        with host.open() as engine:
            converge_snapshot(engine, SnapshotRequest("data", snapshot="one"))
        data.joinpath("big").write_bytes(os.urandom(3 * MEGABYTE))
        wanted, free = like(data), os.statvfs(top).f_bfree
        for request in (SnapshotRequest("data", snapshot="two"), SnapshotRequest("data", "restored", "one")):
            room = MEGABYTE if request.state == "restored" else 2 * MEGABYTE
            (top / "filler").write_bytes(bytes(os.statvfs(top).f_bavail * 4096 - room))
            with host.open() as engine, pytest.raises(StoreFull, match="no space is left"):
                converge_snapshot(engine, request)
            (top / "filler").unlink()
            assert like(data) == wanted
            assert abs(os.statvfs(top).f_bfree - free) < 20  # the database's log
            assert os.listdir(host.layout.staging) == os.listdir(data.parent / ".staging") == []
    finally:
        mounts.unmount(str(top))


@ONE
def test_removed_with_the_volume(host, volume, snap):
    """The removal of a volume reports that its snapshots are removed."""
    snap("one")
    assert host.volume("data", "absent").actions == (
        "removed snapshot one of volume data",
        "removed volume data",
    )


@ONE
def test_bad_input(host, volume, snap):
    """A missing name is reported with similar ones, and nothing changes."""
    snap("nightly")
    before = host.picture()
    for check in (True, False):
        with pytest.raises(NotFound, match="near: nightly"):
            snap("nigthly", "restored", check=check)
        with host.open(read_only=check) as engine, pytest.raises(NotFound, match="near: data"):
            converge_snapshot(engine, SnapshotRequest("dat"))
    assert host.picture() == before


def test_a_check_that_meets_a_container_standing_still(host, volume):
    """A health check without an answer from a frozen container does not count."""
    from _engine.lifecycle.guard.freeze_for_snapshot import stilled

    check = {"healthcheck": "true", "healthcheck_interval": "300ms", "healthcheck_timeout": "500ms"}
    host.start(*FOREVER, volume=["data:/data"], stop_timeout=0, healthcheck_retries=1, **check)

    def health() -> dict:
        return host.inspect()["State"]["Health"]

    eventually(lambda: health()["Status"] == "healthy", "healthy")
    with host.open() as engine, stilled(engine, [host.record().id], "test"):
        time.sleep(3)
    assert (health()["Status"], health()["FailingStreak"]) == ("healthy", 0)
    last = health()["Log"][-1]["End"]
    eventually(lambda: health()["Log"][-1]["End"] != last, "checked again")
    assert health()["Status"] == "healthy"
