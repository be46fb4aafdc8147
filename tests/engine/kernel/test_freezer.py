# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a process can be frozen, and is frozen, with this host's cgroups."""

from __future__ import annotations

import os
import secrets
import subprocess
import time

import pytest

from _engine.kernel.cgroup import cgroups, freezer


@pytest.fixture
def place(need):
    """Create a cgroup that can be frozen; return its directory and its control file."""
    kinds = {"freezer.state": ("FROZEN", "THAWED"), "cgroup.freeze": ("1", "0")}
    path = f"/slipway-freezer-test-{secrets.token_hex(4)}"
    found = []
    for top in (entry.target for entry in cgroups.hierarchies()):
        os.mkdir(top + path)
        names = [name for name in kinds if os.path.exists(f"{top}{path}/{name}")]
        if names and not found:
            found = [(top + path, f"{top}{path}/{names[0]}", *kinds[names[0]])]
        else:
            os.rmdir(top + path)
    need(found, "a freezer")
    yield found[0]
    cgroups.kill_all(path)
    cgroups.remove(path)


def write(file: str, text: object) -> None:
    """Write to a control file."""
    with open(file, "w", encoding="ascii") as stream:
        stream.write(str(text))


def test_a_frozen_process_is_told_from_one_that_runs(place):
    """In the root cgroup a process can't be frozen; elsewhere the kernel's state is returned."""
    directory, control, frozen, thawed = place
    with subprocess.Popen(["sleep", "60"]) as process:
        assert freezer.is_frozen(process.pid) is False
        write(f"{directory}/cgroup.procs", process.pid)
        assert freezer.can_freeze(process.pid)
        assert not freezer.is_frozen(process.pid)
        write(control, frozen)
        deadline = time.monotonic() + 10
        while not freezer.is_frozen(process.pid):
            assert time.monotonic() < deadline
        write(control, thawed)
        while freezer.is_frozen(process.pid):
            assert time.monotonic() < deadline
        process.kill()
    assert not freezer.is_frozen(process.pid)
    assert not freezer.can_freeze(process.pid)


def test_nothing_can_be_frozen_without_its_hierarchy(place, python):
    """Without a freezer hierarchy, no process can be frozen."""
    directory, _control, _frozen, _thawed = place
    code = """
import sys
from _engine.kernel import libc, mounts
from _engine.kernel.cgroup import freezer
libc.mount(None, "/", "", libc.MS_PRIVATE | libc.MS_REC)
mounts.unmount_below("/sys/fs/cgroup")
print(freezer.can_freeze(int(sys.argv[1])))
"""
    with subprocess.Popen(["sleep", "60"]) as process:
        write(f"{directory}/cgroup.procs", process.pid)
        assert python(code, process.pid, wrapper=("unshare", "--mount")) == "False"
        process.kill()
