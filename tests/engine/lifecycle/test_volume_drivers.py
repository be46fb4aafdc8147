# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes with a file system of their own: mounted while somebody needs them, and for as long."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from _engine.errors import EngineError, HostLacks, InUse, InvalidOption, NotFound
from _engine.kernel import mountinfo
from _engine.lifecycle import info
from _engine.lifecycle.boot import boot
from _engine.lifecycle.volume import get_volume
from _engine.lifecycle.volume_open import opened
from _engine.volumes.filesystem import MountFailed
from enginehost import eventually
from powercut import reboot

SLEEP = ("sleep", "1000")
TMPFS = ("type=tmpfs", "o=size=1m,nodev")
USE = {"volume": ["own:/data"], "stop_timeout": 0}


@pytest.fixture
def disk(tmp_path) -> Path:
    """Return a file that holds an ext4, with a file ``hello`` in it."""
    content = tmp_path / "content"
    content.mkdir()
    content.joinpath("hello").write_text("of the disk\n")
    image = tmp_path / "disk.ext4"
    with image.open("wb") as stream:
        stream.truncate(8 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-d", content, image], check=True)
    yield image
    assert str(image) not in subprocess.run(["losetup", "-a"], check=True, capture_output=True, text=True).stdout


def mounted(host, name: str = "own") -> mountinfo.MountEntry | None:
    """Return what is mounted on a volume's data."""
    return mountinfo.at(os.path.realpath(host.data(name)))


def shape(host, name: str = "own") -> dict:
    """Return a volume as volume_info tells it."""
    with host.open(read_only=True) as engine:
        [found] = info.volumes(engine, [name]).result["volumes"]
    return found


def test_mounted_while_containers_live(host):
    """A tmpfs comes with the first container that lives with the volume, and goes with the last, whichever that is."""
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
    os.kill(pids[1], signal.SIGKILL)  # nobody asked for this end: conmon calls the agent
    host.ended("two")
    assert (mounted(host), shape(host)["MountCount"]) == (None, 0)


def test_a_disk_keeps_its_content(host, disk):
    """What a container writes to a loop-mounted disk is on the disk, and there again for the next."""
    host.volume("own", "present", "type=ext4", f"device={disk}")
    host.start("sh", "-c", "cat /data/hello && echo more > /data/more", **USE)
    host.ended()
    assert host.log() == ("of the disk\n", "")
    host.start("cat", "/data/more", name="next", **USE)
    host.ended("next")
    assert (host.log("next")[0], mounted(host)) == ("more\n", None)
