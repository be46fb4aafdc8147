# SPDX-License-Identifier: GPL-3.0-or-later
"""OOM kills in the kernel's log."""

from __future__ import annotations

import time

import pytest

from _engine.kernel.cgroup import oomlog

PLACE = "/system.slice/slipway-1f0a.scope"
HEAD = b"6,812,295358365,-;"


def record(place: str, head: bytes = HEAD) -> bytes:
    """Return a record of the log in the format of Linux 6.1."""
    told = f"oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),oom_memcg=/other,task_memcg={place},task=tail,pid=494"
    return head + told.encode() + b",uid=0\n"


@pytest.mark.parametrize(
    ("lines", "since", "told"),
    [
        ([record(PLACE)], 290.0, True),
        ([record(f"{PLACE}/container")], 290.0, True),
        ([record(PLACE)], 295.4, False),
        ([record(f"{PLACE}x")], 0.0, False),
        ([record("/system.slice")], 0.0, False),
        ([record(PLACE, b"broken;")], 0.0, False),
        ([record(PLACE, b"6,1,abc,-;")], 0.0, False),
        ([b"6,811,1,-;tail invoked oom-killer\n", b"", b"no head", record(PLACE)], 290.0, True),
        ([HEAD + b"I say oom-kill:,task_memcg=" + PLACE.encode() + b","], 0.0, False),
        ([], 0.0, False),
    ],
)
def test_a_record_names_the_cgroup_and_the_time(lines, since, told):
    """Only the kernel's own record counts, of this cgroup or below, and not of an earlier run."""
    assert oomlog.found(lines, PLACE, since) is told


def test_the_log_of_this_host_is_read_to_its_end():
    """Reading the log terminates, even if it is denied, and finds no unknown cgroup."""
    assert oomlog.killed("/never", time.time_ns()) is False
