# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from _engine.errors import HostLacks, StoreFull
from _engine.progress import reported_to
from _engine.volumes import copyup, copyup_stage, directory
from _engine.volumes.copyup import CopyUp, Part, copy_up

#: The number of small files in the largest tree.
MANY = int(os.environ.get("SLIPWAY_COPY_UP_FILES", "1000"))


@pytest.fixture
def volumes(tmp_path) -> Path:
    """Return the directory of the volumes, with an empty volume ``data-of-app``."""
    (tmp_path / "volumes").mkdir()
    directory.create(os.fspath(tmp_path / "volumes"), "data-of-app")
    return tmp_path / "volumes"


@pytest.fixture
def volume(volumes) -> Path:
    """Return the directory of an empty volume."""
    return volumes / "data-of-app"


@pytest.fixture
def rootfs(tmp_path) -> Path:
    """Return a root file system with a directory /srv/data of two files."""
    (tmp_path / "rootfs/srv/data").mkdir(parents=True)
    (tmp_path / "rootfs/srv/data/a").write_text("aaa")
    (tmp_path / "rootfs/srv/data/b").write_text("b")
    return tmp_path / "rootfs"


def fill(rootfs, volume, destination="/srv/data", *parts, **words):
    """Copy up with the engine's paths."""
    parts = parts or (Part(destination),)
    return copy_up(rootfs=os.fspath(rootfs), parts=parts, volume=os.fspath(volume), **words)


def test_an_empty_volume_gets_what_the_image_has(odd_tree, tmp_path, volume, picture):
    """For each odd tree the volume equals the image's directory, its owner and mode as well."""
    done = fill(tmp_path, volume, "/source")
    if done.entries:
        assert picture(volume / "data") == picture(odd_tree)
    assert done.places == (("/source", ""),)
    assert (volume / "data").stat().st_mode == odd_tree.stat().st_mode
    assert (volume / "data").stat().st_uid == odd_tree.stat().st_uid
    assert os.listdir(volume) == ["data"]


def test_tells_what_was_copied(rootfs, volume):
    """Entries, bytes and the path in the image are returned."""
    assert fill(rootfs, volume) == CopyUp(entries=2, bytes=4, places=(("/srv/data", ""),))


def test_reports_what_was_copied(rootfs, volume):
    """Whoever listens is told of each file's bytes."""
    states = []
    with reported_to(states.append):
        fill(rootfs, volume)
    assert [state.what for state in states] == ["copying up /srv/data"] * 2
    assert [state.done for state in states][-1] == 4


@pytest.mark.parametrize("content", ["file", ".hidden", "lost+found"])
def test_a_volume_that_holds_anything_is_never_written_to(content, rootfs, volume, picture):
    """Any entry prevents the copy of content, owner and mode."""
    (volume / "data" / content).mkdir()
    os.chown(volume / "data", 12, 13)
    before = picture(volume)
    assert fill(rootfs, volume) is None
    assert picture(volume) == before


def test_a_second_copy_up_does_nothing(rootfs, volume, picture):
    """A container's changes since the first copy-up stay."""
    fill(rootfs, volume)
    (volume / "data/a").write_text("changed")
    before = picture(volume)
    assert fill(rootfs, volume) is None
    assert picture(volume) == before


@pytest.mark.parametrize(
    "destination", ["/absent", "/srv/absent/deeper", "/file", "/file/below", "/loop", "/dangling"]
)
def test_where_the_image_has_no_directory_nothing_happens(destination, rootfs, volume, picture):
    """A missing path, a file or a dangling symlink is no error, and the volume is unchanged."""
    (rootfs / "file").write_text("x")
    (rootfs / "loop").symlink_to("loop")
    (rootfs / "dangling").symlink_to("/nowhere")
    before = picture(volume)
    assert fill(rootfs, volume, destination) is None
    assert picture(volume) == before


def test_an_empty_directory_gives_owner_and_mode_only(rootfs, volume):
    """An empty directory sets owner and mode, and the volume's inode stays."""
    (rootfs / "empty").mkdir()
    os.chown(rootfs / "empty", 999, 998)
    (rootfs / "empty").chmod(0o3770)
    inode = (volume / "data").stat().st_ino
    done = fill(rootfs, volume, "/empty")
    info = (volume / "data").stat()
    assert done == CopyUp(entries=0, bytes=0, places=(("/empty", ""),))
    assert (info.st_uid, info.st_gid, oct(info.st_mode), info.st_ino) == (999, 998, "0o43770", inode)


@pytest.mark.parametrize(
    "target", ["/etc", "../../../../../../../../../../etc", "/proc/self/root/etc", "/here/../../etc"]
)
def test_no_symlink_leads_out_of_the_root(target, rootfs, volume):
    """A destination that is a symlink to /etc is the image's /etc, or nothing; never the host's."""
    (rootfs / "etc").mkdir()
    (rootfs / "etc/of-the-image").write_text("x")
    (rootfs / "here").mkdir()
    (rootfs / "conf").symlink_to(target)
    done = fill(rootfs, volume, "/conf")
    if target.startswith("/proc"):
        assert done is None
    else:
        assert os.listdir(volume / "data") == ["of-the-image"]


def test_dots_stay_inside_the_root(rootfs, volume):
    """A destination with .. ends at the image's root."""
    assert fill(rootfs, volume, "../../srv/../../srv/data").entries == 2


def test_stages_of_a_killed_run_are_removed(rootfs, volume, chattr):
    """A killed copy's stage is removed, also immutable files, and also from a full volume."""
    for _ignored in range(2):
        stage = volume / f"{copyup_stage.STAGE_PREFIX}dead/below"
        stage.mkdir(parents=True)
        (stage / "file").write_text("half")
        chattr("+i", stage / "file", stage)
        fill(rootfs, volume)
        assert os.listdir(volume) == ["data"]
        assert sorted(os.listdir(volume / "data")) == ["a", "b"]


def test_what_appears_meanwhile_wins(rootfs, volume, monkeypatch):
    """A file that is written to the volume during the copy stays alone; no stage is left."""
    copy_tree = copyup.copy_tree

    def copy_and_write(*descriptors):
        stats = copy_tree(*descriptors)
        (volume / "data/mine").write_text("x")
        return stats

    monkeypatch.setattr(copyup, "copy_tree", copy_and_write)
    assert fill(rootfs, volume) is None
    assert os.listdir(volume) == ["data"]
    assert os.listdir(volume / "data") == ["mine"]


@pytest.mark.parametrize("options", ["size=1m", "nr_inodes=30"])
def test_a_full_disk_leaves_the_volume_empty(options, tmp_path, rootfs, mount):
    """No space or no inodes: StoreFull, no stage, owner and mode unchanged."""
    volumes = mount("-t", "tmpfs", "-o", options, "tmpfs", at=tmp_path / "small")
    volume = Path(directory.create(os.fspath(volumes), "app"))
    for number in range(40):
        (rootfs / f"srv/data/{number}").write_bytes(bytes(100_000))
    os.chown(rootfs / "srv/data", 5, 5)
    with pytest.raises(StoreFull, match=r"no space to copy /srv/data into volume app"):
        fill(rootfs, volume)
    assert os.listdir(volume) == ["data"]
    assert os.listdir(volume / "data") == []
    assert (volume / "data").stat().st_uid == 0


def test_a_full_ext4_leaves_the_volume_empty(tmp_path, rootfs, mount, need):
    """The same on a disk that detects it at write-back; afterwards the space is free again."""
    need(Path("/dev/loop-control").exists(), "loop devices")
    with (tmp_path / "image").open("wb") as image:
        image.truncate(16 << 20)
    subprocess.run(["mkfs.ext4", "-q", tmp_path / "image"], check=True)
    volumes = mount("-o", "loop", os.fspath(tmp_path / "image"), at=tmp_path / "disk")
    volume = Path(directory.create(os.fspath(volumes), "app"))
    (rootfs / "srv/data/large").write_bytes(os.urandom(20 << 20))
    with pytest.raises(StoreFull):
        fill(rootfs, volume)
    assert os.listdir(volume) == ["data"]
    (rootfs / "srv/data/large").write_bytes(os.urandom(5 << 20))
    assert fill(rootfs, volume).entries == 3


def test_an_attribute_that_is_too_large_is_named(tmp_path, mount, need):
    """An unsupported attribute is not reported as a full disk; the volume stays empty."""
    need(Path("/dev/loop-control").exists(), "loop devices")
    with (tmp_path / "image").open("wb") as image:
        image.truncate(16 << 20)
    subprocess.run(["mkfs.ext4", "-q", tmp_path / "image"], check=True)
    volumes = mount("-o", "loop", os.fspath(tmp_path / "image"), at=tmp_path / "disk")
    volume = Path(directory.create(os.fspath(volumes), "app"))
    rootfs = mount("-t", "tmpfs", "tmpfs", at=tmp_path / "root")
    (rootfs / "srv/data").mkdir(parents=True)
    (rootfs / "srv/data/file").touch()
    os.setxattr(rootfs / "srv/data/file", "trusted.large", b"x" * 65_536)
    with pytest.raises(HostLacks, match=r"can't store the extended attribute trusted\.large of 65536"):
        fill(rootfs, volume)
    assert (os.listdir(volume), os.listdir(volume / "data")) == (["data"], [])


def test_a_device_that_may_not_be_made_is_named(rootfs, volume):
    """Without CAP_MKNOD the error names the device, and the volume stays empty."""
    os.mkfifo(rootfs / "srv/data/fifo")
    assert "dev/null" not in without_mknod(rootfs, volume)
    assert sorted(os.listdir(volume / "data")) == ["a", "b", "fifo"]
    other = Path(directory.create(os.fspath(volume.parent), "other"))
    (rootfs / "srv/data/dev").mkdir()
    os.mknod(rootfs / "srv/data/dev/null", 0o20666, os.makedev(1, 3))
    told = without_mknod(rootfs, other)
    assert "dev/null can't be copied: device or special file 1:3: Operation not permitted" in told
    assert (os.listdir(other), os.listdir(other / "data")) == (["data"], [])


def without_mknod(rootfs, volume) -> str:
    """Copy up in a process without CAP_MKNOD, and return its output."""
    argv = ["setpriv", "--bounding-set", "-mknod", "--inh-caps", "-mknod", sys.executable, "-c", COPIER]
    environment = {**os.environ, "PYTHONPATH": os.fspath(Path(copyup.__file__).parents[2])}
    return subprocess.run(
        [*argv, rootfs, volume], check=False, capture_output=True, text=True, env=environment
    ).stderr


def test_time_grows_in_line_with_the_entries(tmp_path, volumes, grow_tree):
    """Twice and four times as many files take twice and four times as much of a processor (SLIPWAY_COPY_UP_FILES: how many)."""
    counts = (MANY // 10, MANY // 4, MANY // 2, MANY)
    costs = []
    for count in counts:
        (tmp_path / f"rootfs{count}/data").mkdir(parents=True)
        grow_tree(tmp_path / f"rootfs{count}/data", count)
        volume = directory.create(os.fspath(volumes), f"v{count}")
        begin = time.process_time()
        done = fill(tmp_path / f"rootfs{count}", volume, "/data")
        costs.append((time.process_time() - begin) / done.entries)
    told = [f"{count} files: {cost * 1e6:.0f} us each" for count, cost in zip(counts, costs)]
    print(*told, sep="\n")  # noqa: T201  (pytest shows it when the test fails)
    # The first one warms up. A small tree tells of gross growth alone.
    assert max(costs[1:]) < min(costs[1:]) * (1.4 if MANY >= 100_000 else 2.5), told


COPIER = """
import sys
from _engine.volumes.copyup import Part, copy_up
print("ready", flush=True)
copy_up(rootfs=sys.argv[1], parts=[Part("/srv/data")], volume=sys.argv[2])
"""


def start_copier(rootfs, volume) -> subprocess.Popen:
    """Start a process that copies up, and return when it is about to do so."""
    environment = {**os.environ, "PYTHONPATH": os.fspath(Path(copyup.__file__).parents[2])}
    argv = [sys.executable, "-c", COPIER, rootfs, volume]
    copier = subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE)
    copier.stdout.readline()
    return copier


def test_killed_at_any_instant_it_is_all_or_nothing(rootfs, volumes, picture):
    """After a kill at 15 instants the volume is empty or whole; the next copy-up completes it."""
    for number in range(100):
        (rootfs / f"srv/data/{number}").mkdir()
        (rootfs / f"srv/data/{number}/file").write_bytes(bytes([number % 256]) * 200_000)
    wanted = picture(rootfs / "srv/data")
    copier = start_copier(rootfs, directory.create(os.fspath(volumes), "timed"))
    started = time.monotonic()
    copier.communicate()
    lasts = time.monotonic() - started
    states = []
    for number in range(15):
        volume = Path(directory.create(os.fspath(volumes), f"v{number}"))
        copier = start_copier(rootfs, volume)
        time.sleep(random.uniform(0, lasts * 1.1))
        copier.kill()
        copier.communicate()
        states.append(len(os.listdir(volume / "data")))
        done = fill(rootfs, volume)
        assert (done is None) == (states[-1] == len(os.listdir(rootfs / "srv/data")))
        assert picture(volume / "data") == wanted
        assert os.listdir(volume) == ["data"]
    assert set(states) <= {0, 102}
