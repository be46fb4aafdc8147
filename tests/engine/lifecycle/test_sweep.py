# SPDX-License-Identifier: GPL-3.0-or-later
"""The kill sweep (promise 1): a verb that is killed at any call that changes something converges when it is run again.

And the same with calls that fail for want of room, or of a good disk: the error is told, and the next run converges.

SWEEP=all goes through every point (``make sweep``); else each verb gets some, drawn anew each time, the seed is printed.
"""

from __future__ import annotations

import errno
import json
import os
import platform
import random
import signal
import time
import traceback
from contextlib import suppress
from pathlib import Path

import pytest
from sweeping import CASES, FULL, Case, full_layer, leave_agent
from tracer import KILL, Call, trace

from _engine.errors import EngineError
from _engine.lifecycle.remove_image import remove_image
from enginehost import eventually

#: Points of each verb and runtime where not all are gone through.
SOME = int(os.environ.get("SWEEP_SOME", "3"))
SEED = int(os.environ.get("SWEEP_SEED") or time.time_ns() % 10**9)
#: Calls that can fail for want of room, or for a bad disk.
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
#: Exit code of a run that ended with an error in words.
TOLD = 71
SYNCING = {"fsync", "fdatasync", "syncfs", "sync"}


@pytest.fixture
def full_host(host, busybox, need):
    """Return an engine with the image whose data a volume is filled with."""
    need(platform.machine() == "x86_64", "x86-64, whose registers the tracer knows")
    host.build(FULL, busybox, full_layer())
    yield host
    host.clear()
    with host.open() as engine:
        remove_image(engine, FULL)


def points(case: Case, host) -> list[Call]:
    """Return the changing calls of a run that nobody disturbs."""
    leave_agent(host)  # it stays: else the first run alone would have its points
    case.ready(host)
    status, calls = trace(lambda: case.act(host), lambda _call: None)
    assert status == 0
    case.check(host)
    clear(host)
    return calls


def clear(host) -> None:
    """Take away what a run has made; the images of all runs stay."""
    host.clear()
    with host.open() as engine, suppress(EngineError):
        remove_image(engine, "localhost/loaded:1")


def chosen(calls: list[Call], name: str, most: int) -> list[Call]:
    """Return all points, or some of them."""
    most = min(len(calls), most if os.environ.get("SWEEP") == "all" else SOME)
    print(f"SWEEP_SEED={SEED}")  # noqa: T201  (how to have the same points again)
    return sorted(random.Random(f"{SEED} {name}").sample(calls, most))


def note(name: str, runtime: str, kind: str, tried: int, wrong: int, seconds: float) -> None:
    """Keep what was tried and how many went wrong, for ``make sweep`` to tell."""
    if path := os.environ.get("SWEEP_NOTES"):
        with Path(path).open("a") as stream:
            stream.write(json.dumps([kind, name, runtime, tried, tried - wrong, round(seconds, 1)]) + "\n")


def sweep(host, case: Case, decide, tried: list[Call]) -> list[str]:
    """Try the points; return what went wrong at which."""
    wrong = []
    # conmon of the run before may be on its way out.
    eventually(lambda: not host.processes(), "no process")
    before = sorted(host.leftovers())
    for point in tried:
        case.ready(host)
        status, calls = trace(lambda: attempt(case, host), lambda call, at=point.number: decide(call, at))
        try:
            told = judge(host, case, status, reached=len(calls) >= point.number)
        except Exception as error:  # noqa: BLE001  (all points are tried; the failures are told together)
            told = f"{type(error).__name__}: {error} {traceback.format_exc()[-400:]}"
        try:
            clear(host)
            rest = settled(host, before)
        except Exception as error:  # noqa: BLE001
            rest = [f"{type(error).__name__}: {error}"]
        if told or rest:
            wrong.append(f"{point} (ended {status}): {told} left: {rest}")
    return wrong


def attempt(case: Case, host) -> None:
    """Run the verb in the child; an error that a task can tell in words has an exit code of its own."""
    try:
        case.act(host)
    except (EngineError, OSError):
        os._exit(TOLD)


def judge(host, case: Case, status: int, *, reached: bool) -> str:
    """Run the verb again and check; return what is wrong."""
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    # It may get by without the call that failed, or come to fewer calls this time, and so to its end.
    if not (killed or status == 0 or (reached and os.WEXITSTATUS(status) == TOLD)):
        return f"ended with {status}"
    case.act(host)
    case.check(host)
    return ""


def settled(host, before: list[str]) -> list[str]:
    """Return what is there that was not before; the agent may be on its way for some seconds."""
    deadline = time.monotonic() + 15
    while (now := sorted(host.leftovers())) != before and time.monotonic() < deadline:
        time.sleep(0.02)
    return sorted(set(now) ^ set(before))


@pytest.mark.parametrize("name", CASES)
def test_killed_at_any_change(full_host, runtime, name):
    """Killed right before any call that changes something, the same verb run again leads to the wanted state; nothing leaks."""
    begin = time.monotonic()
    tried = chosen(points(CASES[name], full_host), name, CASES[name].most)
    wrong = sweep(full_host, CASES[name], lambda call, at: KILL if call.number == at else None, tried)
    note(name, runtime, "kill", len(tried), len(wrong), time.monotonic() - begin)
    assert wrong == []


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("name", CASES)
def test_failing_at_any_change(full_host, runtime, name, code):
    """Where any such call fails, the verb ends with an error or gets by without; the same verb run again converges."""
    begin = time.monotonic()
    calls = [
        call
        for call in points(CASES[name], full_host)
        if call.name in ON_DISK | (SYNCING if code == errno.EIO else set())
    ]
    tried = chosen(calls, f"{name} {code}", CASES[name].most)
    wrong = sweep(full_host, CASES[name], lambda call, at: code if call.number == at else None, tried)
    note(name, runtime, errno.errorcode[code], len(tried), len(wrong), time.monotonic() - begin)
    assert wrong == []
