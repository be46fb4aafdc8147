# SPDX-License-Identifier: GPL-3.0-or-later
"""Hold processes by pid and start time."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from _engine.kernel.process import Process, end_tree, find_by_argument
from enginehost import eventually


@pytest.fixture(params=["pidfd", "pid"])
def _way(request, monkeypatch):
    """Run a test with pidfds, and on a Python that was made with headers too old for them."""
    if request.param == "pid":
        monkeypatch.delattr(os, "pidfd_open")


@pytest.fixture
def sleeper(_way):
    """Start a process that sleeps; yield its Popen."""
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def zombie_of(process: subprocess.Popen) -> None:
    """Wait until the process has ended, and leave it a zombie."""
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)


def test_a_process_is_found_by_its_pid():
    """A running process is found and alive."""
    me = Process.of(os.getpid())
    assert me.pid == os.getpid()
    assert me.start_time > 0
    assert me.alive()


def test_a_reaped_process_is_gone(sleeper):
    """A process that has ended and was waited for is none, and can't be signalled."""
    process = Process.of(sleeper.pid)
    sleeper.kill()
    sleeper.wait()
    assert Process.of(sleeper.pid) is None
    assert not process.alive()
    assert not process.signal(signal.SIGTERM)
    assert process.wait_gone(0)


def test_a_zombie_is_gone(sleeper):
    """A process that has ended and was not waited for is gone as well."""
    process = Process.of(sleeper.pid)
    sleeper.kill()
    zombie_of(sleeper)
    assert Process.of(sleeper.pid) is None
    assert not process.alive()
    assert not process.signal(signal.SIGTERM)
    assert process.wait_gone(0)


def test_another_process_with_the_pid_is_left_alone(sleeper):
    """A process that got the pid of one that has ended is neither taken for it nor signalled."""
    earlier = Process(sleeper.pid, Process.of(sleeper.pid).start_time - 1)
    assert not earlier.alive()
    assert not earlier.signal(signal.SIGKILL)
    assert earlier.wait_gone(0)
    assert sleeper.poll() is None


def test_a_signal_arrives(sleeper):
    """A signal reaches the process."""
    assert Process.of(sleeper.pid).signal(signal.SIGTERM)
    assert sleeper.wait(10) == -signal.SIGTERM


def test_waiting_ends_at_the_deadline(sleeper):
    """Waiting for a process that goes on ends in time."""
    begun = time.monotonic()
    assert not Process.of(sleeper.pid).wait_gone(0.2)
    assert 0.2 <= time.monotonic() - begun < 5


@pytest.mark.usefixtures("_way")
@pytest.mark.parametrize("timeout", [10, float("inf"), 1e9])
def test_waiting_ends_with_the_process(timeout):
    """Waiting ends as soon as the process has, though nobody has waited for it as its parent."""
    with subprocess.Popen(["sleep", "0.1"]) as process:
        held = Process.of(process.pid)
        begun = time.monotonic()
        assert held.wait_gone(timeout)
        assert time.monotonic() - begun < 5


@pytest.mark.parametrize("name", ["a) Z 1 (b", "x y z", ")", "((("])
def test_any_name_will_do(tmp_path, name):
    """A program's name with blanks and parentheses does not shift the fields that follow it."""
    program = shutil.copy(shutil.which("sleep"), tmp_path / name)
    with subprocess.Popen([program, "60"]) as process:
        try:
            held = Process.of(process.pid)
            ticks = held.start_time / os.sysconf("SC_CLK_TCK")
            assert abs(ticks - time.clock_gettime(time.CLOCK_BOOTTIME)) < 5
        finally:
            process.kill()


def test_a_process_whose_first_thread_has_ended_is_alive(python):
    """A process runs as long as one of its threads does, though the kernel calls it a zombie."""
    process = python(
        "import ctypes, threading, time\n"
        "threading.Thread(target=time.sleep, args=(60,)).start()\n"
        "print(flush=True)\n"
        "ctypes.CDLL(None).syscall({'x86_64': 60}.get(__import__('platform').machine(), 93), 0)\n"
    )
    process.stdout.readline()
    deadline = time.monotonic() + 10
    while " (zombie)" not in status(process.pid):
        assert time.monotonic() < deadline
    held = Process.of(process.pid)
    assert held is not None
    assert held.alive()
    assert not held.wait_gone(0.05)
    assert held.signal(signal.SIGKILL)
    assert held.wait_gone(10)


def status(pid: int) -> str:
    """Return what the kernel tells of the first thread."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as stream:
        return stream.read()


@pytest.mark.parametrize("pid", [0, -1, 2**22 + 1])
def test_no_process_has_an_impossible_pid(pid):
    """A pid that no process can have is none, and nothing is signalled: 0 and -1 would be whole groups."""
    assert Process.of(pid) is None
    assert not Process(pid, 1).signal(signal.SIGKILL)


def test_processes_are_found_by_an_argument():
    """A process is found by one whole argument, not by a part of it."""
    seconds = f"60.{os.getpid()}7"  # another run of this test may be under way
    with subprocess.Popen(["sleep", seconds, "0"]) as process:
        try:
            # execve(2) closes what tells Popen that it has begun a moment before the new arguments can be read.
            while not Path(f"/proc/{process.pid}/cmdline").read_bytes():
                time.sleep(0.001)
            assert find_by_argument(seconds) == (Process.of(process.pid),)
            assert find_by_argument(seconds[:-1]) == ()
        finally:
            process.kill()


def test_a_tree_that_grows_is_ended_whole():
    """What a shell starts while its tree is being ended ends too."""
    # The shell leaves no child to us when it ends, so those that were overlooked are found by their argument.
    argument = f"1000.{os.getpid()}"
    shell = f"while :; do sleep {argument} & sleep 0.002; done"
    program = f"import subprocess, time; subprocess.Popen(['sh', '-c', {shell!r}]); time.sleep(1000)"
    with subprocess.Popen([sys.executable, "-c", program]) as process:
        try:
            eventually(lambda: len(find_by_argument(argument)) > 20, "children")
            end_tree(process.pid, grace=5.0)
        finally:
            process.kill()
    left = find_by_argument(argument)
    for one in left:
        one.signal(signal.SIGKILL)
    assert left == ()
