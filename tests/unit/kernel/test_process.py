# SPDX-License-Identifier: GPL-3.0-or-later
"""Identify processes by PID and start time."""

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
    """Run each test with pidfds, and as with a Python built with old headers."""
    if request.param == "pid":
        monkeypatch.delattr(os, "pidfd_open")


@pytest.fixture
def sleeper(_way):
    """Start a process that sleeps; yield its Popen."""
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def zombie_of(process: subprocess.Popen) -> None:
    """Wait until the process has exited, without reaping it."""
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)


def test_a_process_is_found_by_its_pid():
    """A running process is found and alive."""
    me = Process.of(os.getpid())
    assert me.pid == os.getpid()
    assert me.start_time > 0
    assert me.alive()


def test_a_reaped_process_is_gone(sleeper):
    """A reaped process does not exist and can't be signalled."""
    process = Process.of(sleeper.pid)
    sleeper.kill()
    sleeper.wait()
    assert Process.of(sleeper.pid) is None
    assert not process.alive()
    assert not process.signal(signal.SIGTERM)
    assert process.wait_gone(0)


def test_a_zombie_is_gone(sleeper):
    """A process that has exited and was not reaped does not count as existing."""
    process = Process.of(sleeper.pid)
    sleeper.kill()
    zombie_of(sleeper)
    assert Process.of(sleeper.pid) is None
    assert not process.alive()
    assert not process.signal(signal.SIGTERM)
    assert process.wait_gone(0)


def test_another_process_with_the_pid_is_left_alone(sleeper):
    """A process that reuses a PID is neither mistaken for the old one nor signalled."""
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
    """Waiting for a process that keeps running ends at the deadline."""
    begun = time.monotonic()
    assert not Process.of(sleeper.pid).wait_gone(0.2)
    assert 0.2 <= time.monotonic() - begun < 5


@pytest.mark.usefixtures("_way")
@pytest.mark.parametrize("timeout", [10, float("inf"), 1e9])
def test_waiting_ends_with_the_process(timeout):
    """Waiting ends as soon as the process exits, even if its parent has not reaped it."""
    with subprocess.Popen(["sleep", "0.1"]) as process:
        held = Process.of(process.pid)
        begun = time.monotonic()
        assert held.wait_gone(timeout)
        assert time.monotonic() - begun < 5


@pytest.mark.parametrize("name", ["a) Z 1 (b", "x y z", ")", "((("])
def test_any_name_will_do(tmp_path, name):
    """Spaces and parentheses in a program's name do not shift the fields after it."""
    program = shutil.copy(shutil.which("sleep"), tmp_path / name)
    with subprocess.Popen([program, "60"]) as process:
        try:
            held = Process.of(process.pid)
            ticks = held.start_time / os.sysconf("SC_CLK_TCK")
            assert abs(ticks - time.clock_gettime(time.CLOCK_BOOTTIME)) < 5
        finally:
            process.kill()


def test_a_process_whose_first_thread_has_ended_is_alive(python):
    """A process runs while one of its threads does, even if the kernel calls it a zombie."""
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
    """Return the kernel's state of the first thread."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as stream:
        return stream.read()


@pytest.mark.parametrize("pid", [0, -1, 2**22 + 1])
def test_no_process_has_an_impossible_pid(pid):
    """Impossible PIDs do not exist and are not signalled: 0 and -1 would mean whole groups."""
    assert Process.of(pid) is None
    assert not Process(pid, 1).signal(signal.SIGKILL)


def test_processes_are_found_by_an_argument():
    """A process is found by a complete argument, not by a part of one."""
    seconds = f"60.{os.getpid()}7"  # another run of this test may be in progress
    with subprocess.Popen(["sleep", seconds, "0"]) as process:
        try:
            # Popen returns when execve(2) closes a descriptor, shortly before the new arguments can be read.
            while not Path(f"/proc/{process.pid}/cmdline").read_bytes():
                time.sleep(0.001)
            assert find_by_argument(seconds) == (Process.of(process.pid),)
            assert find_by_argument(seconds[:-1]) == ()
        finally:
            process.kill()


def test_a_tree_that_grows_is_ended_whole():
    """Processes that a shell starts while its tree is being killed are killed too."""
    # The shell's children are not reparented to us, so overlooked ones are found by their argument.
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
