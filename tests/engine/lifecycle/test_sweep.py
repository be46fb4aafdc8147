# SPDX-License-Identifier: GPL-3.0-or-later
"""The kill sweep (promise 1): a verb killed at any call that changes something converges when run again.

The same with calls that fail because of no space or a bad disk: the error is reported, and the next run converges.

SWEEP=all tries every point (``make sweep``); otherwise each verb gets a random sample, whose seed is printed.
"""

from __future__ import annotations

import errno
import json
import os
import platform
import random
import shutil
import signal
import time
import traceback
from collections.abc import Iterable
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest
from sweeping import CASES, FULL, PULLED, Case, full_layer, leave_agent
from tracer import KILL, Call, trace

from _engine.errors import EngineError
from _engine.kernel import libc
from _engine.kernel.net import links
from _engine.kernel.net.netlink import Netlink
from _engine.lifecycle.image.remove import remove_image
from _engine.model.engine.storage_drivers import FUSE, VFS
from enginehost import eventually

#: Points for each verb and runtime, unless all are tried.
SOME = int(os.environ.get("SWEEP_SOME", "2"))
SEED = int(os.environ.get("SWEEP_SEED") or time.time_ns() % 10**9)
#: Calls that can fail because of no space, or of a bad disk.
ON_DISK = {
    "openat",
    "openat2",
    "open",
    "write",
    "pwrite64",
    "writev",
    "mkdir",
    "mkdirat",
    "rename",
    "renameat",
    "renameat2",
}
ON_DISK |= {
    "symlink",
    "symlinkat",
    "link",
    "linkat",
    "ftruncate",
    "fallocate",
    "setxattr",
    "mount",
    "copy_file_range",
}
#: Exit code of a run that ended with an error message.
TOLD = 71
#: Calls that change the kernel's network configuration.
TOLD_OF_NETWORKS = {"sendto", "sendmsg"}
SYNCING = {"fsync", "fdatasync", "syncfs", "sync"}


@pytest.fixture
def apart():
    """Run the test in its own network namespace."""
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        libc.unshare(libc.CLONE_NEWNET)
        with Netlink() as netlink:
            (loopback,) = links.find(netlink, "lo")
            netlink.ask(links.change(loopback, up=True))
        yield
    finally:
        libc.setns(before, libc.CLONE_NEWNET)
        os.close(before)


@pytest.fixture
def full_host(apart, host, busybox, need):
    """Return an engine with the image whose data fills a volume."""
    need(platform.machine() == "x86_64", "x86-64, whose registers the tracer knows")
    host.build(FULL, busybox, full_layer())
    yield host
    host.clear()
    with host.open() as engine:
        remove_image(engine, FULL)


def points(case: Case, host) -> list[Call]:
    """Return the changing calls of an undisturbed run."""
    leave_agent(host)  # it stays: else the first run alone would have its points
    case.ready(host)
    status, calls = trace(lambda: case.act(host), lambda _call: None)
    assert status == 0
    case.check(host)
    clear(host)
    return calls


def clear(host) -> None:
    """Remove what a run has created, except the images for all runs."""
    host.clear()
    for name in ("localhost/loaded:1", PULLED):
        with host.open() as engine, suppress(EngineError):
            remove_image(engine, name)


def chosen(number: int, name: str, most: int) -> Iterable[int]:
    """Return all points, or some of them.

    All means to continue until a run completes: their number varies, for example when a run waits for a lock.
    """
    print(f"SWEEP_SEED={SEED}")  # noqa: T201  (to repeat with the same points)
    every = os.environ.get("SWEEP") == "all"
    if every and number <= most:
        return count(1)
    return sorted(
        random.Random(f"{SEED} {name}").sample(range(1, number + 1), min(number, most if every else SOME))
    )


class Disturbance:
    """Disturbs the ``at``-th call of some kinds (None: of any): a kill before it, or an error."""

    def __init__(self, verdict: int, kinds: set[str] | None, at: int) -> None:
        self.verdict, self.kinds, self.left = verdict, kinds, at
        self.call: Call | None = None

    def __call__(self, call: Call) -> int | None:
        """Decide about a call."""
        if self.kinds is not None and call.name not in self.kinds:
            return None
        self.left -= 1
        if self.left != 0:
            return None
        self.call = call
        return self.verdict


def note(name: str, runtime: str, kind: str, tried: int, wrong: int, seconds: float) -> None:
    """Record what was tried and how many failed, for the report of ``make sweep``."""
    if path := os.environ.get("SWEEP_NOTES"):
        with Path(path).open("a") as stream:
            stream.write(json.dumps([kind, name, runtime, tried, tried - wrong, round(seconds, 1)]) + "\n")


def sweep(
    host, case: Case, verdict: int, kinds: set[str] | None, numbers: Iterable[int]
) -> tuple[int, list[str]]:
    """Try the points; return how many there were, and the failures with their points."""
    tried, wrong = 0, []
    # The previous run's conmon may be about to exit.
    eventually(lambda: not host.processes(), "no process")
    before = sorted([*host.leftovers(), *host.links()])
    for number in numbers:
        case.ready(host)
        disturb = Disturbance(verdict, kinds, number)
        status, _calls = trace(lambda: attempt(case, host), disturb)
        try:
            told = judge(host, case, status, reached=disturb.call is not None)
        except Exception as error:  # noqa: BLE001  (all points are tried; the failures are reported together)
            told = f"{type(error).__name__}: {error} {traceback.format_exc()[-400:]}"
        try:
            clear(host)
            rest = settled(host, before)
        except Exception as error:  # noqa: BLE001
            rest = [f"{type(error).__name__}: {error}"]
        if told or rest:
            wrong.append(f"{number}: {disturb.call} (ended {status}): {told} left: {rest}")
        if disturb.call is None:
            break
        tried += 1
    return tried, wrong


def attempt(case: Case, host) -> None:
    """Run the verb in the child; an error that a task can report has its own exit code."""
    try:
        case.act(host)
    except (EngineError, OSError):
        os._exit(TOLD)


def judge(host, case: Case, status: int, *, reached: bool) -> str:
    """Run the verb again and check; return what is wrong."""
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    # It may succeed without the call that failed, or need fewer calls this time, and so complete.
    if not (killed or status == 0 or (reached and os.WEXITSTATUS(status) == TOLD)):
        return f"ended with {status}"
    case.act(host)
    case.check(host)
    return ""


def settled(host, before: list[str]) -> list[str]:
    """Return what exists now and did not before; the agent may run for some seconds."""
    deadline = time.monotonic() + 15
    while (now := sorted([*host.leftovers(), *host.links()])) != before and time.monotonic() < deadline:
        time.sleep(0.02)
    return sorted(set(now) ^ set(before))


@pytest.mark.parametrize("name", CASES)
def test_killed_at_any_change(full_host, runtime, name):
    """Killed before any call that changes something, the verb converges when run again; nothing leaks."""
    begin = time.monotonic()
    number = len(points(CASES[name], full_host))
    numbers = chosen(number, name, CASES[name].most)
    tried, wrong = sweep(full_host, CASES[name], KILL, None, numbers)
    note(name, runtime, "kill", tried, len(wrong), time.monotonic() - begin)
    assert wrong == []


@pytest.mark.parametrize("runtime", ["runc"], indirect=True)
@pytest.mark.parametrize("driver", [FUSE, VFS])
def test_killed_with_other_drivers(full_host, runtime, driver, need, monkeypatch):
    """The same for the longest verb of a container's life with the other storage drivers."""
    need(driver == VFS or shutil.which(FUSE), FUSE)
    monkeypatch.setattr(full_host, "storage_driver", driver)
    test_killed_at_any_change(full_host, runtime, "create and start with copy-up")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("name", CASES)
def test_failing_at_any_change(full_host, runtime, name, code):
    """If any such call fails, the verb reports an error or succeeds without it; run again, it converges."""
    begin = time.monotonic()
    kinds = ON_DISK | (SYNCING if code == errno.EIO else set())
    number = sum(call.name in kinds for call in points(CASES[name], full_host))
    numbers = chosen(number, f"{name} {code}", CASES[name].most)
    tried, wrong = sweep(full_host, CASES[name], code, kinds, numbers)
    note(name, runtime, errno.errorcode[code], tried, len(wrong), time.monotonic() - begin)
    assert wrong == []


@pytest.mark.parametrize("name", [name for name in CASES if "networks" in name])
def test_networks_that_the_kernel_refuses(full_host, runtime, name):
    """If the kernel refuses network changes, the verb reports an error; run again, it converges."""
    begin = time.monotonic()
    number = sum(call.name in TOLD_OF_NETWORKS for call in points(CASES[name], full_host))
    assert number > 0
    numbers = chosen(number, f"{name} refused", CASES[name].most)
    tried, wrong = sweep(full_host, CASES[name], errno.ENOBUFS, TOLD_OF_NETWORKS, numbers)
    note(name, runtime, "ENOBUFS", tried, len(wrong), time.monotonic() - begin)
    assert wrong == []
