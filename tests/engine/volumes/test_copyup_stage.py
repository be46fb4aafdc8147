# SPDX-License-Identifier: GPL-3.0-or-later
"""Copy-up into every kind of volume, a plain directory and file systems, is all or nothing.

SLIPWAY_COPY_UP_KILLS=all kills at every changing call and makes each fail; the default is a random sample, whose seed
is printed.
"""

from __future__ import annotations

import errno
import os
import platform
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tracer import KILL, trace

from _engine.errors import HostLacks, StoreFull
from _engine.volumes import copyup_stage, directory
from _engine.volumes.copyup import Part, copy_up

ALL = os.environ.get("SLIPWAY_COPY_UP_KILLS") == "all"
SOME = 12
SEED = int(os.environ.get("SLIPWAY_SEED") or time.time_ns() % 10**9)
MANY = int(os.environ.get("SLIPWAY_COPY_UP_FILES", "1000"))
#: The kinds of volumes; the last is a plain directory that containers run with.
KINDS = ("plain", "ext4", "tmpfs", "shared")
#: The subpath in the volume.
SUBPATHS = ("", "sub/path")


def small_disk(path: Path, *, megabytes: int, inodes: int) -> Path:
    """Create a file with an ext4 in it."""
    with path.open("wb") as image:
        image.truncate(megabytes << 20)
    subprocess.run(["mkfs.ext4", "-q", "-b", "4096", "-N", str(inodes), path], check=True)
    return path


@pytest.fixture
def make_volume(tmp_path, mount, need) -> Callable[[str], Path]:
    """Return the function that creates an empty volume of a kind."""
    top = tmp_path / "volumes"
    top.mkdir()

    def make(kind: str, megabytes: int = 64 + MANY // 200, inodes: int = 8000 + MANY) -> Path:
        volume = Path(directory.create(os.fspath(top), f"{kind}-{len(os.listdir(top))}"))
        if kind == "tmpfs":
            options = f"size={megabytes}m,nr_inodes={inodes},mode=755"
            mount("-t", "tmpfs", "-o", options, "tmpfs", at=volume / "data")
        elif kind == "ext4":
            need(Path("/dev/loop-control").exists(), "loop devices")
            image = small_disk(tmp_path / f"{volume.name}.image", megabytes=megabytes, inodes=inodes)
            mount("-o", "loop", os.fspath(image), at=volume / "data")
        return volume

    return make


@pytest.fixture(params=KINDS)
def volume(request, make_volume) -> Path:
    """Return the directory of an empty volume, of each kind."""
    return make_volume(request.param)


@pytest.fixture
def rootfs(tmp_path, chattr) -> Path:
    """Return a root file system whose /srv/data has one of each thing that can go wrong."""
    top = tmp_path / "rootfs/srv/data"
    (top / "dir/below").mkdir(parents=True)
    (top / "dir/file").write_bytes(b"content" * 1000)
    os.link(top / "dir/file", top / "same")
    (top / "link").symlink_to("same")
    os.mkfifo(top / "fifo")
    for name in ("immutable", "grows"):
        (top / name).write_text(name)
    os.setxattr(top, "user.root", b"r")
    os.chown(top, 33, 34)
    top.chmod(0o2770)
    os.utime(top, ns=(1, 999_999_999))
    chattr("+i", top / "immutable")
    chattr("+a", top / "grows")
    return tmp_path / "rootfs"


def fill(rootfs: Path, volume: Path, *parts: Part):
    """Copy up with the engine's paths."""
    return copy_up(
        rootfs=os.fspath(rootfs),
        parts=parts or (Part("/srv/data"),),
        volume=os.fspath(volume),
        shared=volume.name.startswith("shared"),
    )


def seen(picture, top: Path, *, times: bool = True) -> dict:
    """Return a listing without mkfs's entries; ``times`` False: without new directories' and root's times.

    A kill at the very end of a copy-up into a file system loses the root's times, and nothing else.
    """
    found = picture(top)
    found.pop(b"lost+found", None)
    for entry in () if times else {b".", b"sub"} & found.keys():
        del found[entry]["modified"]
    return found


def empty(volume: Path) -> None:
    """Empty a volume and restore its root."""
    subprocess.run(["chattr", "-R", "-f", "-ia", volume], check=False)
    data = volume / "data"
    for entry in data.iterdir():
        if entry.name != "lost+found":
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    if os.listxattr(data):
        os.removexattr(data, "user.root")
    os.chown(data, 0, 0)
    data.chmod(0o755)


def is_empty(volume: Path) -> bool:
    """Return whether the volume is empty and its root as created."""
    info = (volume / "data").stat()
    as_made = (info.st_uid, info.st_gid, oct(info.st_mode)) == (0, 0, "0o40755")
    return as_made and {*os.listdir(volume / "data")} <= {"lost+found"} and not os.listxattr(volume / "data")


@pytest.mark.parametrize("kind", ["ext4", "tmpfs"])
def test_each_kind_gets_what_the_image_has(kind, make_volume, odd_tree, tmp_path, picture):
    """A volume with its own file system equals the image's directory as a plain one does."""
    volume = make_volume(kind)
    wanted = picture(odd_tree)
    fill(tmp_path, volume, Part("/source"))
    got = seen(picture, volume / "data")
    if not os.listdir(odd_tree):  # only owner and mode are carried over
        for one in (wanted, got):
            one[b"."].pop("modified")
    assert got == wanted
    assert os.listdir(volume) == ["data"]


def test_only_an_empty_lost_and_found_is_no_content(make_volume, rootfs):
    """Only mkfs's empty ``lost+found`` on a file system does not count as content."""
    volume = make_volume("ext4")
    (volume / "data/lost+found/#12").touch()
    assert fill(rootfs, volume) is None
    (volume / "data/lost+found/#12").unlink()
    os.chown(volume / "data/lost+found", 5, 5)
    assert fill(rootfs, volume) is None
    os.chown(volume / "data/lost+found", 0, 0)
    assert fill(rootfs, volume).entries == 8
    plain = make_volume("plain")
    (plain / "data/lost+found").mkdir(0o700)
    assert fill(rootfs, plain) is None


def test_a_volume_that_holds_anything_is_left_alone(volume, rootfs, picture):
    """One file prevents the copy of content, owner and mode in each kind; no stage is made."""
    (volume / "data/mine").write_text("mine")
    before = picture(volume)
    assert fill(rootfs, volume, Part("/srv/data", "sub")) is None
    assert picture(volume) == before


def test_a_subpath_is_made_in_a_fresh_volume(volume, rootfs, picture):
    """The parents are root's, 0755; the last directory is the image's; the volume's root is unchanged."""
    done = fill(rootfs, volume, Part("/srv/data", "sub/path"))
    assert (done.entries, done.places) == (8, (("/srv/data", "sub/path"),))
    assert picture(volume / "data/sub/path") == picture(rootfs / "srv/data")
    for name in ("", "sub"):
        info = (volume / "data" / name).stat()
        assert (info.st_uid, info.st_gid, oct(info.st_mode)) == (0, 0, "0o40755")


def test_a_subpath_is_made_without_content_too(volume, rootfs):
    """Without an image directory the container's user owns it; with nocopy it has the image's owner."""
    parts = Part("/none", "a", owner=(7, 8)), Part("/srv/data", "b", content=False)
    assert fill(rootfs, volume, *parts) is None
    for name, wanted in {"a": (7, 8, "0o40755"), "b": (33, 34, "0o42770")}.items():
        info = (volume / "data" / name).stat()
        assert (info.st_uid, info.st_gid, oct(info.st_mode)) == wanted
        assert os.listdir(volume / "data" / name) == []


@pytest.mark.parametrize("subpath", ["../../out", "/../../out", "a/../../../out"])
def test_no_subpath_leads_out_of_the_volume(subpath, volume, rootfs):
    """``..`` stops at the volume's root."""
    fill(rootfs, volume, Part("/srv/data", subpath))
    assert "out" in os.listdir(volume / "data")
    assert os.listdir(volume) == ["data"]


def test_several_places_of_one_volume_come_at_once(volume, rootfs):
    """All parts of a volume that is mounted several times are filled at once, the whole first."""
    (rootfs / "etc").mkdir()
    (rootfs / "etc/conf").write_text("x")
    parts = (
        Part("/etc", "dir"),
        Part("/etc", "own"),
        Part("/srv/data"),
        Part("/none", "left"),
        Part("/etc", ""),
    )
    done = fill(rootfs, volume, *parts)
    assert done.places == (("/srv/data", ""), ("/etc", "dir"), ("/etc", "own"))
    assert sorted(os.listdir(volume / "data/dir")) == ["below", "file"]
    assert os.listdir(volume / "data/own") == ["conf"]
    assert os.listdir(volume / "data/left") == []


@pytest.mark.parametrize("name", [".slipway-copyup", ".slipway-copyup-x", "lost+found"])
def test_names_with_another_meaning_are_refused(name, make_volume, rootfs):
    """A name that the engine or mkfs reserves is reported before anything is copied."""
    volume = make_volume("ext4")
    (rootfs / "srv/data" / name).write_text("x")
    with pytest.raises(HostLacks, match=f"{name.replace('+', '.')} can't be copied"):
        fill(rootfs, volume)
    assert is_empty(volume)
    plain = make_volume("plain")
    assert fill(rootfs, plain).entries == 9


def test_a_read_only_file_system_is_told(make_volume, rootfs, mount):
    """A read-only volume can't be filled: the error says so, and what to do."""
    volume = make_volume("tmpfs")
    subprocess.run(["mount", "-o", "remount,ro", volume / "data"], check=True)
    with pytest.raises(HostLacks, match="mounted read-only"):
        fill(rootfs, volume)


@pytest.mark.parametrize("subpath", SUBPATHS)
@pytest.mark.parametrize("lacking", [{"megabytes": 4}, {"inodes": 40}], ids=["bytes", "inodes"])
@pytest.mark.parametrize("kind", ["ext4", "tmpfs"])
def test_a_full_file_system_stays_empty(kind, lacking, subpath, make_volume, rootfs, mount):
    """No space or no inodes: StoreFull, nothing changed; with space the same call succeeds."""
    volume = make_volume(kind, **lacking)
    for number in range(60):
        (rootfs / f"srv/data/{number}").write_bytes(bytes([number]) * 100_000)
    with pytest.raises(StoreFull, match="no space to copy /srv/data into volume"):
        fill(rootfs, volume, Part("/srv/data", subpath))
    assert is_empty(volume)
    for number in range(60):
        (rootfs / f"srv/data/{number}").unlink()
    assert fill(rootfs, volume, Part("/srv/data", subpath)).entries == 8


# -- killed, and failing, anywhere -----------------------------------------------------------------


def changing_calls(rootfs: Path, volume: Path, part: Part) -> int:
    """Return the number of a copy-up's calls that change something."""
    status, calls = trace(lambda: fill(rootfs, volume, part), lambda _call: None)
    assert status == 0
    return len(calls)


def drawn(count: int) -> list[int]:
    """Return the calls to disturb: all, or a sample with the first and the last, around the commitment."""
    if ALL:
        return [*range(1, count + 1)]
    print(f"SLIPWAY_SEED={SEED}")  # noqa: T201  (pytest shows it when the test fails)
    chance = random.Random(SEED)
    late = chance.sample(range(max(1, count - 40), count + 1), SOME)
    return sorted({*chance.sample(range(1, count + 1), SOME // 3), *late, count - 1, count})


@pytest.mark.parametrize("subpath", SUBPATHS)
def test_killed_at_any_changing_call(volume, rootfs, picture, subpath, need):
    """After a kill the next process sees the volume empty or whole, and can complete it."""
    need(platform.machine() == "x86_64", "x86-64, whose registers the tracer knows")
    part = Part("/srv/data", subpath)
    count = changing_calls(rootfs, volume, part)
    wanted = seen(picture, volume / "data", times=False)
    outcomes = set()
    for number in drawn(count):
        empty(volume)
        status, calls = trace(
            lambda: fill(rootfs, volume, part), lambda call, at=number: KILL if call.number == at else None
        )
        assert os.WIFSIGNALED(status), calls[-1]
        assert os.WTERMSIG(status) == signal.SIGKILL
        copyup_stage.mend(os.fspath(volume))
        whole = not is_empty(volume)
        outcomes.add(whole)
        if whole:
            assert seen(picture, volume / "data", times=False) == wanted, calls[-1]
        assert (fill(rootfs, volume, part) is None) == whole
        assert seen(picture, volume / "data", times=False) == wanted
        assert os.listdir(volume) == ["data"]
    assert outcomes == {True, False}


@pytest.mark.parametrize("subpath", SUBPATHS)
def test_any_changing_call_may_fail(volume, rootfs, picture, subpath, need):
    """A full disk at any call leaves the volume unchanged or whole; the next copy-up succeeds."""
    need(platform.machine() == "x86_64", "x86-64, whose registers the tracer knows")
    part = Part("/srv/data", subpath)
    count = changing_calls(rootfs, volume, part)
    wanted = seen(picture, volume / "data", times=False)
    for number in drawn(count):
        empty(volume)
        fail = {number: errno.ENOSPC}
        _status, calls = trace(lambda: fill(rootfs, volume, part), lambda call, at=fail: at.get(call.number))
        assert len(calls) >= number
        assert copyup_stage.RESERVED not in os.listdir(volume / "data"), calls[number - 1]
        copyup_stage.mend(os.fspath(volume))
        if not is_empty(volume):
            assert seen(picture, volume / "data", times=False) == wanted, calls[number - 1]
        fill(rootfs, volume, part)
        assert seen(picture, volume / "data", times=False) == wanted
