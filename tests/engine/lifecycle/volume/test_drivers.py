# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes with their own file systems: mounted as long as something needs them."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from powercut import reboot

from _engine.errors import EngineError, HostLacks, InUse, InvalidOption, NotFound
from _engine.kernel import mountinfo, mounts
from _engine.lifecycle.files.volume_export import VolumeExport, export_volume
from _engine.lifecycle.host.boot import boot
from _engine.lifecycle.info import info
from _engine.lifecycle.resources.volume import get_volume
from _engine.lifecycle.resources.volume_mount import ensure, give_back
from _engine.lifecycle.resources.volume_open import opened
from _engine.lifecycle.volume.import_archive import VolumeImport, import_volume
from _engine.volumes.filesystem import MountFailed
from enginehost import failing_hook

SLEEP = ("sleep", "1000")
TMPFS = ("type=tmpfs", "o=size=1m,nodev")
USE = {"volume": ["own:/data"], "stop_timeout": 0}
KEEP = frozenset({"labels", "options"})
#: A script that keeps a volume open until it is killed.
LOOKER = """
import sys
from pathlib import Path
from enginehost import Host
from _engine.lifecycle.resources.volume import get_volume
from _engine.lifecycle.resources.volume_mount import ensure, give_back
from _engine.lifecycle.resources.volume_open import opened
top, runtime = sys.argv[1:]
with Host(Path(top), runtime, "").open() as engine, engine.lock_volume("own", "look"):
    with opened(engine, get_volume(engine, "own")):
        print("inside", flush=True)
        sys.stdin.readline()
"""


@pytest.fixture
def one_host(need, hosts, keep_clean):
    """Return an engine for tests that do not depend on the runtime."""
    need(os.geteuid() == 0, "root")
    need(shutil.which("runc"), "runc")
    need(shutil.which("conmon"), "conmon")
    yield from keep_clean(hosts("runc"))


@pytest.fixture
def disk(tmp_path) -> Path:
    """Return a file with an ext4 and a file ``hello`` in it; check that no loop device is left."""
    content = tmp_path / "content"
    content.mkdir()
    content.joinpath("hello").write_text("of the disk\n")
    image = tmp_path / "disk.ext4"
    with image.open("wb") as stream:
        stream.truncate(8 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-d", content, image], check=True)
    yield image
    left = subprocess.run(["losetup", "-a"], check=True, capture_output=True, text=True).stdout
    assert str(image) not in left


def mounted(host, name: str = "own") -> mountinfo.MountEntry | None:
    """Return what is mounted on a volume's data."""
    return mountinfo.at(os.path.realpath(host.data(name)))


def shape(host, name: str = "own") -> dict:
    """Return a volume as volume_info does."""
    with host.open(read_only=True) as engine:
        [found] = info.volumes(engine, [name]).result["volumes"]
    return found


def root_of(path: Path) -> tuple[int, int, int]:
    """Return a directory's owner, group and mode."""
    seen = path.stat()
    return seen.st_uid, seen.st_gid, seen.st_mode & 0o7777


# -- containers ------------------------------------------------------------------------------------


def test_mounted_while_containers_live(host):
    """A tmpfs is mounted for the first living container, and unmounted after the last."""
    made = host.volume("own", "present", *TMPFS)
    assert (made.actions, mounted(host)) == (("created volume own",), None)
    for name in ("one", "two"):
        host.start(*SLEEP, name=name, **USE)
    entry = mounted(host)
    assert entry is not None
    assert (entry.fstype, "size=1024k" in entry.super_options) == ("tmpfs", True)
    assert "nodev" in entry.options
    told = shape(host)
    assert (told["MountCount"], told["mounted"], told["used_by"]) == (2, True, ["one", "two"])
    host.data("own").joinpath("both").write_text("seen by both")
    pids = [host.inspect(name)["State"]["Pid"] for name in ("one", "two")]
    assert [Path(f"/proc/{pid}/root/data/both").read_text() for pid in pids] == ["seen by both"] * 2
    host.bring("one", "stopped", stop_time=0)
    assert (mounted(host), shape(host)["MountCount"]) == (entry, 1)
    os.kill(pids[1], signal.SIGKILL)  # an unrequested exit: conmon calls the agent
    host.ended("two")
    assert (mounted(host), shape(host)["MountCount"]) == (None, 0)


def test_a_disk_keeps_its_content(disk, host):
    """What a container writes to a loop-mounted disk is there for the next."""
    host.volume("own", "present", "type=ext4", f"device={disk}")
    host.start("sh", "-c", "cat /data/hello && echo more > /data/more", **USE)
    host.ended()
    assert host.log() == ("of the disk\n", "")
    host.start("cat", "/data/more", name="next", **USE)
    host.ended("next")
    assert (host.log("next")[0], mounted(host)) == ("more\n", None)


def test_a_failed_start_leaves_nothing_mounted(host, tmp_path):
    """If the mount or the command fails, nothing stays mounted, and the container is unchanged."""
    empty = tmp_path / "empty"
    empty.write_bytes(bytes(1 << 20))
    host.volume("own", "present", "type=ext4", f"device={empty}")
    with pytest.raises(MountFailed, match="volume own could not be mounted") as caught:
        host.start(*SLEEP, **USE)
    assert caught.value.fields["device"] == str(empty)
    assert (mounted(host), host.inspect()["State"]["Status"]) == (None, "created")
    host.bring("box", "absent")
    host.volume("own", "present", *TMPFS)
    with pytest.raises(EngineError, match="hook"):
        host.start(*SLEEP, **USE, hooks_dir=failing_hook(tmp_path))
    assert (mounted(host), host.record().intent) == (None, "")


def test_a_missing_device_fails_its_containers_alone(disk, host):
    """After a reboot without the disk only its containers stay down, with the reason."""
    host.volume("own", "present", "type=ext4", f"device={disk}")
    host.start(*SLEEP, name="with", restart_policy="always", **USE)
    host.start(*SLEEP, name="without", restart_policy="always", stop_timeout=0)
    reboot(host)
    disk.unlink()
    with host.open() as engine:
        errors = {one.name: one.error for one in boot(engine, ("/bin/true",))}
    assert errors["without"] == ""
    assert f"device={disk}' of volume own cannot be accessed: No such file or directory" in errors["with"]
    assert (host.inspect("without")["State"]["Running"], mounted(host)) == (True, None)


def test_a_kill_at_the_start_is_mended(host):
    """What a killed start has mounted is unmounted by the next task of the container."""
    host.volume("own", "present", *TMPFS)
    host.want("created", *SLEEP, **USE)
    with host.open() as engine, engine.database.transaction() as connection:
        connection.execute("UPDATE containers SET intent = 'start'")
    with host.open() as engine, engine.lock_volume("own", "test"):
        ensure(engine, get_volume(engine, "own"))
        give_back(engine, "own")  # the intent says that a start is in progress
    assert mounted(host) is not None
    host.bring("box", "stopped")
    assert (mounted(host), host.record().intent) == (None, "")


# -- states ----------------------------------------------------------------------------------------


def test_mounted_and_unmounted(host):
    """A volume can be mounted on the host, and stays so until it is unmounted, containers or not."""
    foreseen = host.volume("own", "mounted", *TMPFS, check=True)
    assert (foreseen.actions, host.volumes()) == (("created volume own", "mounted volume own"), [])
    assert host.volume("own", "mounted", *TMPFS).actions == foreseen.actions
    host.data("own").joinpath("mine").write_text("mine")
    assert (host.volume("own", "mounted", unset=KEEP).actions, shape(host)["stays_mounted"]) == ((), True)
    host.start("cat", "/data/mine", **USE)
    host.ended()
    assert (host.log()[0], mounted(host) is not None) == ("mine", True)
    host.want("started", *SLEEP, **USE)
    foreseen = host.volume("own", "unmounted", unset=KEEP, check=True)
    assert foreseen.actions == ("unmounted volume own, but box still uses it",)
    assert host.volume("own", "unmounted", unset=KEEP).actions == foreseen.actions
    assert host.volume("own", "unmounted", unset=KEEP).actions == ()
    assert mounted(host) is not None
    host.bring("box", "stopped", stop_time=0)
    assert mounted(host) is None
    with pytest.raises(NotFound, match="no volume named 'owm'"):
        host.volume("owm", "unmounted")


def test_a_wish_outlives_a_reboot(disk, one_host):
    """After a reboot it is shown as unmounted; the boot mounts it again, and absent unmounts it."""
    host = one_host
    host.volume("own", "mounted", "type=ext4", f"device={disk}")
    reboot(host)
    told = shape(host)
    assert (told["mounted"], told["stays_mounted"]) == (False, True)
    with host.open() as engine:
        assert [(one.name, one.error) for one in boot(engine, ("/bin/true",))] == [("volume own", "")]
    assert host.data("own").joinpath("hello").read_text() == "of the disk\n"
    assert host.volume("own", "absent").actions == ("removed volume own",)
    assert (host.mounts(), disk.exists()) == ([], True)


def test_opened_for_a_moment(one_host, python_child):
    """A task mounts the volume while it runs; after a kill the next task unmounts it."""
    host = one_host
    host.volume("own", "present", *TMPFS)
    with host.open() as engine, engine.lock_volume("own", "test"):
        with opened(engine, get_volume(engine, "own")) as path:
            assert mountinfo.at(os.path.realpath(path)).fstype == "tmpfs"
        assert mounted(host) is None
    child = python_child(LOOKER, host.top, "runc")
    assert child.stdout.readline() == "inside\n"
    host.volume("other")
    assert mounted(host) is not None  # its lock is held, so it is left alone
    child.kill()
    child.wait()
    host.volume("another")
    assert mounted(host) is None


# -- options ---------------------------------------------------------------------------------------


def test_options_are_altered_without_a_loss(disk, host):
    """Another type can be set on an unused volume; the directory's data stays below the mount."""
    host.volume("own")
    host.data("own").joinpath("plain").write_text("kept")
    foreseen = host.volume("own", "present", "type=ext4", f"device={disk}", check=True)
    altered = host.volume("own", "present", "type=ext4", f"device={disk}")
    assert (altered.actions, altered.warnings) == (("updated volume own",), foreseen.warnings)
    [warning] = altered.warnings
    assert f"until its options are changed back: it stays in {host.data('own')}, hidden by" in warning
    assert [one.option for one in altered.differences] == ["options.device", "options.type"]
    again = host.volume("own", "present", "type=ext4", f"device={disk}")
    assert (again.actions, again.warnings) == ((), ())
    host.start(*SLEEP, **USE)
    pid = host.inspect()["State"]["Pid"]
    assert "hello" in os.listdir(f"/proc/{pid}/root/data")
    for check in (True, False):
        with pytest.raises(InUse, match="cannot be changed while it is used by box") as caught:
            host.volume("own", check=check)
        assert caught.value.fields["users"] == ["box"]
        assert "Then the data of volume own is not copied" in caught.value.remedy
        assert f"it stays in {disk}" in caught.value.remedy
    labelled = host.volume("own", labels={"a": "b"}, unset=frozenset({"options"}))
    assert labelled.actions == ("updated volume own",)
    host.bring("box", "absent", stop_time=0)
    [warning] = host.volume("own").warnings
    assert f"it stays in {disk}; the volume shows the content of {host.data('own')}" in warning
    assert host.data("own").joinpath("plain").read_text() == "kept"


def test_the_data_can_be_brought_along(one_host, tmp_path):
    """The warnings' advice works, from a host directory to a plain volume to a file system."""
    host, archive = one_host, str(tmp_path / "own.tar")
    tmp_path.joinpath("there").mkdir()
    tmp_path.joinpath("there/file").write_text("kept")
    host.volume("own")
    host.data("own").joinpath("older").write_text("")
    host.volume("own", "present", "type=bind", f"device={tmp_path / 'there'}")
    with host.open() as engine:
        export_volume(engine, VolumeExport("own", archive))
    [warning] = host.volume("own").warnings
    assert "volume_import and force: true" in warning
    with host.open() as engine:
        import_volume(engine, VolumeImport("own", archive, force=True))
    assert os.listdir(host.data("own")) == ["file"]
    [warning] = host.volume("own", "mounted", *TMPFS).warnings
    assert "unpack the archive in mount_point" in warning
    subprocess.run(["tar", "-C", host.data("own"), "-xf", archive], check=True)
    assert (mounted(host).fstype, host.data("own").joinpath("file").read_text()) == ("tmpfs", "kept")


def test_labels_of_what_is_out_of_reach(disk, one_host):
    """Labels can be changed while the disk is missing, without a check of the other options."""
    one_host.volume("own", "present", "type=ext4", f"device={disk}")
    disk.unlink()
    altered = one_host.volume("own", labels={"a": "b"}, unset=frozenset({"options"}))
    assert (altered.actions, altered.result["volume"]["Options"]["device"]) == (
        ("updated volume own",),
        str(disk),
    )
    with pytest.raises(InvalidOption, match="of volume own cannot be accessed"):
        one_host.volume("own", "mounted", unset=KEEP)


def test_owner_and_mode(one_host):
    """A new root gets them; a change applies to the root only, at once, and is predicted."""
    host = one_host
    host.volume("own", "present", "o=uid=5,gid=6,mode=0750")
    assert root_of(host.data("own")) == (5, 6, 0o750)
    inside = host.data("own") / "inside"
    inside.mkdir(mode=0o700)
    foreseen = host.volume("own", "present", "o=uid=7,mode=1777", check=True)
    assert root_of(host.data("own")) == (5, 6, 0o750)
    done = host.volume("own", "present", "o=uid=7,mode=1777")
    assert (done.actions, done.differences) == (foreseen.actions, foreseen.differences)
    assert [(one.option, one.before, one.after) for one in done.differences] == [
        ("options.gid", "6", None),
        ("options.mode", "0750", "1777"),
        ("options.uid", "5", "7"),
    ]
    assert root_of(host.data("own")) == (7, 6, 0o1777)
    assert root_of(inside) == (0, 0, 0o700)


@pytest.mark.parametrize("kind", ["tmpfs", "ext4", "bind", "overlay"])
def test_owner_of_what_is_mounted(disk, one_host, tmp_path, kind):
    """Every file system's root gets the owner and mode at mount time, or at once if it is mounted."""
    host = one_host
    options = {
        "tmpfs": ["type=tmpfs"],
        "ext4": ["type=ext4", f"device={disk}"],
        "bind": ["o=bind", f"device={tmp_path / 'content'}"],
        "overlay": [
            "type=overlay",
            f"o=lowerdir={tmp_path / 'content'},upperdir={tmp_path / 'upper'},workdir={tmp_path / 'work'}",
        ],
    }[kind]
    for name in ("upper", "work"):
        (tmp_path / name).mkdir()
    host.volume("own", "mounted", *options, "o=uid=8,mode=0711")
    assert kind in (mounted(host).fstype, "bind")
    assert root_of(host.data("own")) == (8, 0, 0o711)
    assert ("hello" in os.listdir(host.data("own"))) == (kind != "tmpfs")
    host.volume("own", "present", *options, "o=gid=9,uid=8,mode=0711")
    assert root_of(host.data("own")) == (8, 9, 0o711)


def test_recreate(host):
    """Recreating reports and deletes the data; with force it also removes the containers that use it."""
    host.volume("own")
    host.data("own").joinpath("old").write_text("old")
    host.start(*SLEEP, **USE)
    host.want("created", *SLEEP, name="needs", requires=["box"])
    with pytest.raises(InUse, match="volume own is used by box"):
        host.volume("own", recreate=True)
    with pytest.raises(InUse, match="box is needed by needs"):
        host.volume("own", recreate=True, force=True)
    assert host.inspect()["State"]["Running"]
    host.bring("needs", "absent")
    foreseen = host.volume("own", recreate=True, force=True, check=True)
    assert foreseen.actions == (
        "stopped box",
        "removed box",
        "removed volume own, and its data",
        "created volume own",
    )
    assert host.inspect()["State"]["Running"]
    assert host.volume("own", recreate=True, force=True).actions == foreseen.actions
    assert (host.inspect(), os.listdir(host.data("own"))) == ({}, [])


def test_absent_by_force(host):
    """The containers that have the volume are removed first, dependents before their dependencies."""
    host.volume("own", "present", *TMPFS)
    host.start(*SLEEP, **USE)
    host.start(*SLEEP, name="second", requires=["box"], **USE)
    with pytest.raises(InUse) as caught:
        host.volume("own", "absent")
    assert caught.value.fields["users"] == ["box", "second"]
    gone = host.volume("own", "absent", force=True)
    assert gone.actions == (
        "stopped second",
        "removed second",
        "stopped box",
        "removed box",
        "removed volume own",
    )
    assert (host.volumes(), host.mounts()) == ([], [])


# -- what is refused, and what hangs -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "told"),
    [
        (["type=ext4", "device=/no/such"], InvalidOption, "of volume own cannot be accessed: No such file"),
        (["type=ext4", "device=/etc"], InvalidOption, "is a directory"),
        (["type=ext4", "device=/dev/null"], InvalidOption, "is neither a block device nor a file"),
        (["o=bind", "device=/no/such"], InvalidOption, "cannot be accessed: No such file"),
        (["o=bind", "device=/etc/passwd"], InvalidOption, "is not a directory"),
        (["type=overlay", "o=lowerdir=/no/such"], InvalidOption, "cannot be accessed: No such file"),
        (["type=ext4", "device=UUID=no-such"], InvalidOption, "cannot be accessed: No such file"),
        (["type=tmpsf", "device=x"], InvalidOption, "is not a file system of this kernel; near: tmpfs"),
        (["type=tmpfs", "o=size=1x"], InvalidOption, "is not a size"),
        (["o=size=1m"], HostLacks, "has no project quotas, which size and inodes need"),
    ],
)
def test_refused_before_anything_is_changed(one_host, options, error, told):
    """What the host can't do is refused, also in check mode, and leaves nothing."""
    assert re.search(told, one_host.foreseen_volume("own", "mounted", *options))
    with pytest.raises(error, match=told):
        one_host.volume("own", "mounted", *options)
    assert one_host.volumes() == []
    assert one_host.mounts() == []


def test_a_mount_that_does_not_answer(one_host, tmp_path, need):
    """A hanging helper of mount(8) is killed with its children and reported; nothing is mounted."""
    need(shutil.which("mount.fuse3"), "mount.fuse3")
    script = tmp_path / "hang"
    script.write_text("sleep 1234567\n")
    begin = time.monotonic()
    with pytest.raises(MountFailed, match="did not answer within 1 s"):
        one_host.volume("own", "mounted", "type=fuse.sh", f"device={script}", "o=timeout=1")
    assert time.monotonic() - begin < 10
    assert mounted(one_host) is None
    assert subprocess.run(["pgrep", "-f", "sleep 1234567"], check=False, capture_output=True).stdout == b""


@pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")
def test_a_server_that_is_gone(one_host, tmp_path, tree):
    """A process that hangs in the kernel is left behind; the task ends and says what it waited for."""
    host, place = one_host, tmp_path / "gone"
    place.mkdir()
    script = str(tree / "tests/support/hungfuse.py")
    server = subprocess.Popen(
        [sys.executable, script, str(place)],
        env={**os.environ, "PYTHONPATH": str(tree / "plugins/module_utils")},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout.readline() == "ready\n"
        begin = time.monotonic()
        with pytest.raises(InvalidOption, match="of volume own did not answer within 1 s"):
            host.volume("own", "mounted", "o=bind,timeout=1", f"device={place}/below")
        assert time.monotonic() - begin < 10
        assert host.mounts() == []
    finally:
        server.kill()  # which releases all that hang
        server.communicate()
        mounts.unmount(str(place))
