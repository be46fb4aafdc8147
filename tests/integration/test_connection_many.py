# SPDX-License-Identifier: GPL-3.0-or-later
"""Many at once and many in a row: each gets its own answer, and nothing is left."""

from __future__ import annotations

import os
from contextlib import suppress

import pytest

from enginehost import eventually
from inside import WAYS

#: Enough to see what each leaves. ``make cycles`` runs a thousand.
EXECS = int(os.environ.get("SLIPWAY_COMMANDS", "240"))
FORKS = 20


@pytest.mark.parametrize("way", WAYS)
def test_at_once(inside, way):
    """Twenty hosts at once, more than one ssh connection carries, each get what they asked for."""
    hosts = {f"h{number}": inside.host(("bare", "debian")[number % 2], way) for number in range(FORKS)}
    command = "sleep 1; echo {{ inventory_hostname }}"
    play = inside.play("raw.yml", hosts, f"--forks={FORKS}", command=command)
    assert play.failed == []
    assert {task.host: task.result["stdout"] for task in play.tasks} == {name: f"{name}\n" for name in hosts}


def open_files(pid: int) -> int:
    """Return how many files a process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def picture(inside) -> dict[str, object]:
    """Return all that an exec could leave: mounts, processes, cgroups, rows, files, sockets, and open files of who stays."""
    monitors = [inside.node.inspect(name)["State"]["ConmonPid"] for name in ("bare", "debian")]
    return {
        "leftovers": sorted(inside.node.leftovers()),
        "ssh": sorted(os.listdir(inside.ssh.top)),
        "files of monitors": [open_files(pid) for pid in monitors],
    }


@pytest.mark.parametrize("way", WAYS)
def test_many_in_a_row(inside, way):
    """Many commands, by ssh fewer, leave no process, file, row, mount or open file on the host."""
    hosts = {f"h{number}": inside.host("bare", way) for number in range(4)}
    times = EXECS // (1 if way == "local" else 20) // len(hosts)
    inside.ssh.hang_up()
    before = picture(inside)
    play = inside.play("many.yml", hosts, times=times)
    assert play.failed == []
    # The first call of a connection may open what it keeps.
    assert all(task.result["opened"] <= 0 for task in play.tasks if task.name == "Many")
    assert [task.result["stdout"] for task in play.tasks if task.name == "Many"] == ["696e0a"] * len(hosts)
    inside.ssh.hang_up()
    with suppress(AssertionError):  # the comparison below says what differs
        eventually(lambda: picture(inside) == before, "all is as before", timeout=10)
    assert picture(inside) == before
