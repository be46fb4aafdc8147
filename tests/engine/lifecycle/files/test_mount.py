# SPDX-License-Identifier: GPL-3.0-or-later
"""A container's root file system kept mounted for tools on the host."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from powercut import reboot

from _engine.errors import NotFound
from _engine.kernel import mountinfo
from _engine.lifecycle.files.mount import MOUNTED, UNMOUNTED, MountRequest, converge_mount
from enginehost import eventually

FOREVER = ("sleep", "1000")


@pytest.fixture
def mount(host):
    """Return a function that mounts and unmounts."""

    def mount(state: str = MOUNTED, *, check: bool = False, name: str = "box"):
        with host.open(read_only=check) as engine:
            return converge_mount(engine, MountRequest(name, state))

    return mount


def is_mounted(host) -> bool:
    """Return whether the container's root file system is mounted on the host."""
    return mountinfo.at(os.path.realpath(host.layout.container(host.record().id).merged)) is not None


def ladder(mount, state: str) -> str:
    """Bring it to the state, in check mode, for real, and again without a change; return the mount point."""
    foreseen = mount(state, check=True)
    done = mount(state)
    assert (
        (done.actions, done.result) == (foreseen.actions, foreseen.result) == ((f"{state} box",), done.result)
    )
    for check in (True, False):
        assert not mount(state, check=check).changed
    return done.result["mountpoint"]


def test_over_starts_and_stops(host, mount):
    """A mount persists across runs; an unmount leaves a running container its root file system."""
    host.want("created", *FOREVER, stop_timeout=0)
    place = Path(ladder(mount, MOUNTED))
    (place / "written").write_text("from the host")
    for _time in range(2):
        host.bring("box", "started")
        assert Path(f"/proc/{host.inspect()['State']['Pid']}/root/written").read_text() == "from the host"
        host.bring("box", "stopped")
        eventually(lambda: not host.processes(), "conmon gone")
        assert (place / "written").exists()
    assert ladder(mount, UNMOUNTED) == ""
    assert host.mounts() == []
    host.bring("box", "started")
    ladder(mount, MOUNTED)
    ladder(mount, UNMOUNTED)
    assert is_mounted(host)
    host.bring("box", "stopped")
    assert host.mounts() == []


def test_a_removal_takes_it_away(host, mount):
    """A removed container is no longer mounted."""
    host.want("created", *FOREVER)
    mount()
    host.bring("box", "absent")
    assert host.mounts() == []
    with pytest.raises(NotFound):
        mount()


def test_a_reboot_takes_it_away(host, mount):
    """After a reboot nothing is mounted, and no marker is left."""
    host.want("created", *FOREVER)
    mount()
    reboot(host)
    assert host.mounts() == []
    assert mount(check=True).changed
    ladder(mount, MOUNTED)


def test_killed_between_the_wish_and_the_mount(host, mount):
    """The next mount completes a marker without a mount; an unmount removes a mount without a marker."""
    host.want("created", *FOREVER)
    container = host.layout.container(host.record().id)
    mount()
    os.unlink(container.kept_mounted)
    assert mount(UNMOUNTED).changed
    assert host.mounts() == []
    Path(container.kept_mounted).touch()
    assert mount(check=True).changed
    assert mount().changed
    assert is_mounted(host)


def test_plain_directory(host, mount, tmp_path):
    """A directory of the host needs no mount; its path is returned."""
    (tmp_path / "rootfs/bin").mkdir(parents=True)
    shutil.copy(shutil.which("busybox"), tmp_path / "rootfs/bin/sleep")
    host.want("created", "sleep", image=str(tmp_path / "rootfs"), rootfs=True)
    told = mount()
    assert (told.changed, told.result["mountpoint"]) == (False, str(tmp_path / "rootfs"))


def test_for_a_person(host):
    """``slipway mount`` prints the mount point and lists mounts; ``slipway umount`` unmounts."""
    host.want("created", *FOREVER)
    place = host.layout.container(host.record().id).merged
    assert host.agent("mount", "box").stdout == f"{place}\n"
    assert host.agent("mount").stdout == f"box {place}\n"
    assert host.agent("umount", "box").stdout == "box\n"
    assert host.agent("mount").stdout == ""
    assert host.mounts() == []
