# SPDX-License-Identifier: GPL-3.0-or-later
"""Find, empty and remove cgroups on this host."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time

import pytest

from _engine.kernel import mountinfo
from _engine.kernel.cgroup import cgroups
from _engine.kernel.process import Process


@pytest.fixture
def tops(need):
    """Return the mount points of the hierarchies in which a process can be moved."""
    tops = [entry.target for entry in cgroups.hierarchies()]
    need(tops and all(os.access(top, os.W_OK) for top in tops), "cgroups that can be written to")
    return tops


@pytest.fixture
def path(tops):
    """Create a cgroup in every hierarchy; return its path."""
    path = f"/slipway-kernel-test-{secrets.token_hex(4)}"
    for top in tops:
        make(top + path)
    yield path
    cgroups.kill_all(path)
    cgroups.remove(path)


def make(place: str) -> None:
    """Create a cgroup that accepts processes: on v1 the cpuset must be set first."""
    os.mkdir(place)
    for name in ("cpuset.cpus", "cpuset.mems"):
        if os.path.exists(f"{place}/{name}") and not os.path.exists(f"{place}/cgroup.subtree_control"):
            with open(f"{place}/../{name}", encoding="ascii") as above:
                write(f"{place}/{name}", above.read())


def write(file: str, text: object) -> None:
    """Write to a control file."""
    with open(file, "w", encoding="ascii") as stream:
        stream.write(str(text))


@pytest.fixture
def start():
    """Return a function that starts a program in some cgroups; kill what still runs at the end."""
    started = []

    def start(places: list[str], *argv: str) -> subprocess.Popen:
        process = subprocess.Popen(["sh", "-c", 'read go; exec "$@"', "sh", *argv], stdin=subprocess.PIPE)
        started.append(process)
        for place in places:
            write(f"{place}/cgroup.procs", process.pid)
        process.stdin.write(b"\n")
        process.stdin.close()
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_the_layout_is_what_is_mounted(tops):
    """The layout is determined from the mounted hierarchies."""
    kinds = {entry.fstype for entry in mountinfo.read() if entry.fstype.startswith("cgroup")}
    assert cgroups.version() == ("v2" if kinds == {"cgroup2"} else "hybrid" if "cgroup2" in kinds else "v1")


LAYOUTS = [
    ("cgroup2 /sys/fs/cgroup", "v2"),
    ("cgroup2 /sys/fs/cgroup/unified", "v2"),
    ("cgroup:memory /sys/fs/cgroup/memory", "v1"),
    ("cgroup:memory /sys/fs/cgroup/memory cgroup2 /sys/fs/cgroup/unified", "hybrid"),
    ("cgroup2 /sys/fs/cgroup cgroup:none,name=x /mnt", "v2"),
    ("", "HostLacks"),
]


@pytest.mark.parametrize(("wanted", "version"), LAYOUTS)
def test_each_layout_is_told(python, need, tops, wanted, version):
    """The location of the controllers determines the layout, wherever hierarchies are mounted."""
    need(cgroups.version() == "hybrid", "a host with hybrid cgroups, which has the parts of all layouts")
    code = """
import os, sys
from _engine.errors import HostLacks
from _engine.kernel import libc, mountinfo, mounts
from _engine.kernel.cgroup import cgroups
libc.mount(None, "/", "", libc.MS_PRIVATE | libc.MS_REC)
mounts.unmount_below("/sys/fs/cgroup")
mounts.tmpfs("/sys/fs/cgroup", size=65536, mode=0o755)
words = sys.argv[1].split()
for kind, target in zip(words[::2], words[1::2]):
    os.makedirs(target, exist_ok=True)
    fstype, _, data = kind.partition(":")
    libc.mount("x", target, fstype, 0, data)
try:
    print(cgroups.version())
except HostLacks:
    print("HostLacks")
"""
    assert python(code, wanted, wrapper=("unshare", "--mount")) == version


def test_a_cgroup_is_there_until_it_is_removed(tops, path):
    """A cgroup exists if any hierarchy has it; removal is complete and can be repeated."""
    os.rmdir(tops[0] + path)
    assert cgroups.exists(path)
    cgroups.remove(path)
    assert not cgroups.exists(path)
    assert not any(os.path.exists(top + path) for top in tops)
    cgroups.remove(path)
    cgroups.kill_all(path)
    assert cgroups.processes(path) == ()


def test_processes_are_told_from_everywhere(tops, path, start):
    """A process counts once, in any hierarchy and at any depth."""
    make(f"{tops[0]}{path}/below")
    everywhere = start([top + path for top in tops], "sleep", "60")
    deep = start([f"{tops[0]}{path}/below"], "sleep", "60")
    assert cgroups.processes(path) == tuple(sorted((everywhere.pid, deep.pid)))
    assert cgroups.processes(f"{path}/below") == (deep.pid,)


def test_a_whole_tree_is_removed(tops, path):
    """Cgroups below are removed too."""
    for top in tops:
        make(f"{top}{path}/a")
        make(f"{top}{path}/a/b")
    cgroups.remove(path)
    assert not cgroups.exists(path)


#: Zombies count until they are reaped, so a fork may exceed the limit for a while.
FORKS = """
import os, time
def fork():
    while True:
        try:
            return os.fork()
        except BlockingIOError:
            time.sleep(0.001)
for _ in range(40):
    if fork() == 0:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if fork():
                os._exit(0)
"""


def test_processes_that_keep_forking_are_killed(tops, path, start):
    """All processes are killed, although each keeps forking and exiting."""
    for top in tops:
        if os.path.exists(f"{top}{path}/pids.max"):
            write(f"{top}{path}/pids.max", 100)
    start([top + path for top in tops], sys.executable, "-c", FORKS)
    deadline = time.monotonic() + 20
    while len(cgroups.processes(path)) < 20:
        assert time.monotonic() < deadline
    cgroups.kill_all(path)
    assert cgroups.processes(path) == ()
    cgroups.remove(path)
    assert not cgroups.exists(path)


def test_a_process_in_one_hierarchy_alone_is_killed(tops, path, start):
    """A process that was moved in only one hierarchy is found and killed there."""
    processes = [start([top + path], "sleep", "60") for top in tops]
    cgroups.kill_all(path)
    assert {process.wait(20) for process in processes} == {-9}


def test_a_paused_process_is_killed(tops, path, start, need):
    """A frozen process is killed too."""
    process = start([top + path for top in tops], "sleep", "60")
    names = {"freezer.state": "FROZEN", "cgroup.freeze": "1"}
    files = [f"{top}{path}/{name}" for top in tops for name in names if os.path.exists(f"{top}{path}/{name}")]
    need(files, "a freezer")
    write(files[0], names[os.path.basename(files[0])])
    cgroups.kill_all(path)
    assert process.wait(20) == -9


def test_a_busy_cgroup_is_told(tops, path, start):
    """A cgroup with a process is not removed, and the error names its directory."""
    process = start([tops[-1] + path], "sleep", "60")
    begun = time.monotonic()
    with pytest.raises(OSError, match="busy") as caught:
        cgroups.remove(path)
    assert caught.value.filename == tops[-1] + path
    assert 1 < time.monotonic() - begun < 10
    assert Process.of(process.pid).alive()


def test_a_cgroup_just_left_is_removed(tops, path, start):
    """A process that was killed a moment ago does not prevent the removal."""
    start([top + path for top in tops], "sleep", "60").kill()
    cgroups.remove(path)
    assert not cgroups.exists(path)


def test_only_an_empty_cgroup_goes_when_asked_so(tops, path, start):
    """With a process or a cgroup in it, it stays there, and is removed elsewhere."""
    make(f"{tops[0]}{path}/below")
    process = start([tops[-1] + path], "sleep", "60")
    cgroups.remove_empty(path)
    assert [top for top in tops if os.path.exists(top + path)] == [tops[0], tops[-1]]
    assert Process.of(process.pid).alive()
    cgroups.remove_empty(path + "/nowhere")


def test_kills_for_want_of_memory_are_counted(tops, path, start, need):
    """OOM kills are counted; without a counter the number is unknown."""
    limits = [
        f"{top}{path}/{name}"
        for top in tops
        for name in ("memory.limit_in_bytes", "memory.max")
        if os.path.exists(f"{top}{path}/{name}")
    ]
    need(limits, "the memory controller")
    assert cgroups.oom_kills(path) == 0
    write(limits[0], 16 << 20)
    process = start([top + path for top in tops], sys.executable, "-c", "x = bytearray(64 << 20)")
    assert process.wait(60) == -9
    assert cgroups.oom_kills(path) == 1
    assert cgroups.oom_kills(path + "-nowhere") is None
