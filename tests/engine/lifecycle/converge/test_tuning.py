# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that tune a container's process and cgroup have the expected effect in the kernel."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest

from _engine.errors import HostLacks, InvalidOption, RuntimeFailed
from _engine.kernel.cgroup import cgroups
from enginehost import eventually

FOREVER = ("/bin/sleep", "1000")


def process(shape: dict, file: str) -> str:
    """Return a file of the container's first process in /proc."""
    return Path(f"/proc/{shape['State']['Pid']}/{file}").read_text()


def test_oom_score_and_umask(host):
    """The command has the requested score and umask."""
    box = host.start(*FOREVER, oom_score_adj=321, umask="0027", stop_timeout=0)
    assert process(box, "oom_score_adj") == "321\n"
    assert "Umask:\t0027\n" in process(box, "status")
    assert (box["HostConfig"]["OomScoreAdj"], box["Config"]["Umask"]) == (321, "0027")


def test_time_zone(host):
    """The container has the host's file of the time zone, and no other; ``local`` is the host's own zone."""
    box = host.start(*FOREVER, timezone="Asia/Tokyo", stop_timeout=0)
    wanted = Path("/usr/share/zoneinfo/Asia/Tokyo").read_bytes()
    assert Path(f"/proc/{box['State']['Pid']}/root/etc/localtime").read_bytes() == wanted
    assert box["Config"]["Timezone"] == "Asia/Tokyo"
    for zone in ("Asia/Nowhere", "zone.tab", "Asia"):
        with pytest.raises(InvalidOption):
            host.start(*FOREVER, name="other", timezone=zone)
    assert host.inspect("other") == {}


def test_another_init(host, need, tmp_path):
    """The program of init_path is PID 1; a missing one is refused in advance."""
    found = next(filter(None, map(shutil.which, ("catatonit", "tini", "dumb-init"))), None)
    need(found, "an init program")
    program = tmp_path / "own-init"
    shutil.copy(found, program)
    box = host.start(*FOREVER, init=True, init_path=str(program), stop_timeout=0)
    assert os.path.samestat(os.stat(program), os.stat(f"/proc/{box['State']['Pid']}/root/run/podman-init"))
    with pytest.raises(InvalidOption, match="is not a program"):
        host.start(*FOREVER, name="other", init=True, init_path="/nonexistent")


def test_a_rule_for_devices(host):
    """A device that the container creates can be opened with a rule for it, and not without."""
    # The kernel's log: everybody may open it for writing, and no container gets it.
    script = "busybox mknod /kmsg c 1 11 && (: > /kmsg) && echo may || echo not; sleep 1000"
    host.start("/bin/sh", "-c", script, name="plain", cap_add=["MKNOD"], stop_timeout=0)
    host.said("not", "plain")
    host.start("/bin/sh", "-c", script, device_cgroup_rule=["c 1:11 w"], cap_add=["MKNOD"], stop_timeout=0)
    host.said("may")


def test_swappiness(host):
    """Cgroups v1 has swappiness, v2 has not; and a host without v2 refuses cgroup_conf."""
    if cgroups.version() == "v2":
        with pytest.raises(HostLacks, match="memory_swappiness is not supported with cgroups v2"):
            host.start(*FOREVER, memory_swappiness=7)
        return
    box = host.start(*FOREVER, memory_swappiness=7, stop_timeout=0)
    assert Path(f"/sys/fs/cgroup/memory{box['State']['CgroupPath']}/memory.swappiness").read_text() == "7\n"
    assert box["HostConfig"]["MemorySwappiness"] == 7
    with pytest.raises(HostLacks, match="cgroup_conf is not supported with cgroups"):
        host.start(*FOREVER, name="other", cgroup_conf={"memory.high": "1m"})


def test_nobody_is_killed_for_want_of_memory(host):
    """Cgroups v1 blocks the container until its limit is raised or it is stopped; v2 has no such feature."""
    if cgroups.version() == "v2":
        with pytest.raises(HostLacks, match="oom_kill_disable is not supported with cgroups v2"):
            host.start(*FOREVER, oom_kill_disable=True)
        return
    # The kernel blocks when a program touches memory, and fails a call that needs some: so this one makes few.
    command = (
        "busybox",
        "awk",
        'BEGIN { text = "0123456789"; while (length(text) < 60e6) text = text text }',
    )
    options = {"oom_kill_disable": True, "stop_timeout": 0}
    for end in ("stopped", "raised"):
        box = host.start(*command, memory="16m", **options)
        control = Path(f"/sys/fs/cgroup/memory{box['State']['CgroupPath']}/memory.oom_control")
        eventually(lambda file=control: "under_oom 1" in file.read_text(), "the container waits for memory")
        assert (box["HostConfig"]["OomKillDisable"], "oom_kill_disable 1" in control.read_text()) == (
            True,
            True,
        )
        if end == "stopped":
            host.bring("box", "stopped")
            assert host.inspect()["State"]["OOMKilled"] is False
    assert host.want("started", *command, memory="512m", **options).actions == ("updated box",)
    eventually(lambda: host.inspect()["State"]["Status"] == "exited", "the container ends by itself")
    assert host.inspect()["State"]["ExitCode"] == 0


def test_weight_of_block_input_and_output(host, runtime):
    """The weight is in the cgroup; crun only knows one of the two names of the file on v1, and says so."""
    if cgroups.version() != "v2" and runtime == "crun" and not has_blkio_weight():
        with pytest.raises(RuntimeFailed, match=r"blkio\.weight"):
            host.start(*FOREVER, blkio_weight=20)
        host.bring("box", "absent")
        return
    box = host.start(*FOREVER, blkio_weight=20, stop_timeout=0)
    assert box["HostConfig"]["BlkioWeight"] == 20
    path = box["State"]["CgroupPath"]
    places = [Path(f"/sys/fs/cgroup{part}{path}") for part in ("", "/blkio")]
    weights = [item for place in places for item in (*place.glob("blkio*.weight"), *place.glob("io*.weight"))]
    assert "20" in [item.read_text().split()[-1] for item in weights]


def has_blkio_weight() -> bool:
    """Return whether cgroups v1 has the file that crun writes."""
    probe = Path("/sys/fs/cgroup/blkio", f"slipway-test-{os.getpid()}")
    probe.mkdir()
    try:
        return probe.joinpath("blkio.weight").exists()
    finally:
        probe.rmdir()


def test_a_directory_without_devices(host, tmp_path):
    """A directory is passed on with the devices in it; one without devices is refused by name."""
    os.mkdir(tmp_path / "empty")
    os.mknod(tmp_path / "null", 0o600 | stat.S_IFCHR, os.makedev(1, 3))
    with pytest.raises(InvalidOption, match="is a directory that contains no devices"):
        host.want("created", "sleep", "1000", device=[f"{tmp_path}/empty"])
    host.start("sh", "-c", "ls /dev/mine && exec sleep 1000", device=[f"{tmp_path}:/dev/mine"])
    host.said("null")
