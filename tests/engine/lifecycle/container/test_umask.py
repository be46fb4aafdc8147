# SPDX-License-Identifier: GPL-3.0-or-later
"""The caller's umask, which a hardened host sets to 077, has no effect on a container."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from _engine.agent.install import exit_command

PLACES = ("/srv", "/srv/app", "/srv/app/data", "/opt", "/opt/x", "/run")


@pytest.fixture
def strict():
    """Set a umask that excludes others."""
    before = os.umask(0o077)
    yield
    os.umask(before)


def umask_of(pid: int) -> str:
    """Return a process's umask."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line.split()[1] for line in lines if line.startswith("Umask:"))


def reached(host, shape) -> None:
    """Check that the container's user can reach all created directories, and check the monitor's umask."""
    root = Path(f"/proc/{shape['State']['Pid']}/root")
    assert {path: oct(root.joinpath(path[1:]).stat().st_mode & 0o777) for path in PLACES} == dict.fromkeys(
        PLACES, "0o755"
    )
    host.said("written", shape["Name"])
    assert umask_of(shape["State"]["ConmonPid"]) == "0022"


@pytest.mark.usefixtures("strict")
def test_a_strict_umask(host):
    """Created mount points are 0755, for a task and for the agent; the engine's directories stay private."""
    options = {
        "user": "app",
        "volume": ["uv:/srv/app/data:U"],
        "tmpfs": {"/opt/x/y": "mode=1777"},
        "stop_timeout": 0,
    }
    command = ("sh", "-c", "touch /srv/app/data/x /opt/x/y/z && ls /run/. && echo written; exec sleep 1000")
    reached(host, host.start(*command, name="first", **options))
    host.want("created", *command, name="second", **options)
    with host.open() as engine:
        exit_command(engine, keep=False)
    started = subprocess.run([host.layout.agent_program, "start", "second"], check=False, umask=0o077)
    assert started.returncode == 0
    reached(host, host.inspect("second"))
    for path in (host.layout.root, host.layout.run_root, host.layout.containers, host.layout.exits):
        assert Path(path).stat().st_mode & 0o077 in (0, 0o011)
