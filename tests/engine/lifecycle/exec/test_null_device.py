# SPDX-License-Identifier: GPL-3.0-or-later
"""The host's /dev/null keeps owner and mode, whatever a runtime gives to a container's user."""

from __future__ import annotations

import os

import pytest

from _engine.agent.install import exec_exit_command
from _engine.lifecycle.exec import detached
from _engine.model.container.execution import ExecSpec
from enginehost import eventually

SLEEP = ("sleep", "1000")
USER = "1001:77"
#: Makes its standard input private, at once and again after its caller has continued.
TAKE = "busybox chmod 600 /proc/self/fd/0; sleep 0.1; busybox chmod 600 /proc/self/fd/0"
OWN_USERS = {"uidmap": ["0:100000:70000"]}


def is_usual() -> bool:
    """Return whether the device belongs to root with mode 0666; another test may be starting a container."""
    seen = os.stat("/dev/null")
    return (seen.st_uid, seen.st_gid, seen.st_mode & 0o777) == (0, 0, 0o666)


@pytest.mark.parametrize("more", [{}, OWN_USERS], ids=["host's users", "own users"])
def test_null_device_stays(passable_host, more):
    """No start, replacement, exec or check of a container changes owner or mode of the host's /dev/null."""
    host = passable_host
    for env in ({}, {"A": "1"}):
        host.start(*SLEEP, user=USER, env=env, stop_timeout=0, healthcheck=TAKE, **more)
        eventually(is_usual, "/dev/null is root's after a start", 5)
    with host.open() as engine:
        spec = ExecSpec.parse({"argv": ["sh", "-c", TAKE], "user": USER})
        detached.detach(engine, "box", spec, exec_exit_command(engine))
    eventually(lambda: not host.inspect()["ExecIDs"], "the command has ended")
    assert host.agent("exec", "--user", USER, "box", "sh", "-c", TAKE).returncode in (0, 1)
    host.agent("healthcheck", "run", "box")
    eventually(is_usual, "/dev/null is root's in the end", 5)
