# SPDX-License-Identifier: GPL-3.0-or-later
"""Sockets in the queue of another one, which a process holds that knows nothing of it."""

from __future__ import annotations

import os
import socket
import subprocess
from contextlib import closing, contextmanager

import pytest

from _engine.kernel import libc
from _engine.kernel.net import parked
from _engine.kernel.process import Process

HERE = "127.0.0.1"


@pytest.fixture
def holder(need):
    """Give a process that holds such a socket and sleeps."""
    need(os.geteuid() == 0, "root")
    with parked.made() as made:
        child = subprocess.Popen(["sleep", "1000"], pass_fds=[made.fileno()])
    with child:
        yield Process.of(child.pid)
        child.kill()


def bound() -> socket.socket:
    """Return a socket that has a port."""
    made = socket.socket()
    made.bind((HERE, 0))
    return made


def is_free(port: int) -> bool:
    """Tell whether nobody has a port."""
    with closing(socket.socket()) as made:
        try:
            made.bind((HERE, port))
        except OSError:
            return False
        return True


def sifted(holder: Process, is_kept, *more: socket.socket) -> list[int]:
    """Sift what the process holds; return the ports that it had."""
    seen = []
    with parked.found(holder) as held:
        parked.sift(held, lambda one: seen.append(one.getsockname()[1]) or is_kept(one), more)
    return seen


def test_held_by_another(holder):
    """What is put there stays open though nobody here has it open, is found again, and is closed when it is not kept."""
    made = bound()
    port = made.getsockname()[1]
    assert sifted(holder, lambda _one: True, made) == [port]
    assert made.fileno() == -1
    assert not is_free(port)
    assert sifted(holder, lambda _one: True) == [port]
    assert not is_free(port)
    assert sifted(holder, lambda _one: False) == [port]
    assert is_free(port)
    assert sifted(holder, lambda _one: True) == []


def test_many(holder):
    """More sockets than one message takes are kept, and changed one by one."""
    made = [bound() for _number in range(600)]
    ports = [one.getsockname()[1] for one in made]
    sifted(holder, lambda _one: True, *made)
    gone = ports[::100]
    assert sifted(holder, lambda one: one.getsockname()[1] not in gone) == ports
    assert {port for port in ports if is_free(port)} == {*gone}


def test_kept_when_more_fail(holder):
    """An error of what is added closes nothing of what was there."""
    made = bound()
    port = made.getsockname()[1]
    sifted(holder, lambda _one: True, made)

    def failing():
        yield bound()
        raise OSError("in use")

    with parked.found(holder) as held, pytest.raises(OSError, match="in use"):
        parked.sift(held, lambda _one: True, failing())
    assert not is_free(port)
    assert len(sifted(holder, lambda _one: True)) == 2


@contextmanager
def refused(monkeypatch):
    """Have the kernel hand out nothing of other processes."""

    def fail(_pidfd: int, _fd: int) -> int:
        raise OSError(38, os.strerror(38))

    with monkeypatch.context() as patched:
        patched.setattr(libc, "pidfd_getfd", fail)
        yield


def test_not_found(holder, monkeypatch):
    """A process without such a socket, one that is gone, and a kernel that hands out nothing give None."""
    with (
        closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)),
        parked.found(Process.of(os.getpid())) as own,
    ):
        assert own is None
    with parked.found(Process(holder.pid, holder.start_time + 1)) as other:
        assert other is None
    with refused(monkeypatch), parked.found(holder) as held:
        assert held is None


def test_nobody_else_can_send(holder):
    """Another process can't put anything into the queue."""
    with (
        parked.found(holder) as held,
        closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as other,
        pytest.raises(PermissionError),
    ):
        other.sendto(b"?", held.getsockname())
