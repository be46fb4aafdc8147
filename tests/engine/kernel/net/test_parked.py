# SPDX-License-Identifier: GPL-3.0-or-later
"""Sockets in the queue of another socket, held by a process that does not know about them."""

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
    """Yield a process that holds such a socket and sleeps."""
    need(os.geteuid() == 0, "root")
    with parked.made() as made:
        child = subprocess.Popen(["sleep", "1000"], pass_fds=[made.fileno()])
    with child:
        yield Process.of(child.pid)
        child.kill()


def bound() -> socket.socket:
    """Return a socket that is bound to a port."""
    made = socket.socket()
    made.bind((HERE, 0))
    return made


def is_free(port: int) -> bool:
    """Return whether a port is free."""
    with closing(socket.socket()) as made:
        try:
            made.bind((HERE, port))
        except OSError:
            return False
        return True


def sifted(holder: Process, is_kept, *more: socket.socket) -> list[int]:
    """Sift the process's parked sockets; return the ports that they had."""
    seen = []
    with parked.found(holder) as held:
        parked.sift(held, lambda one: seen.append(one.getsockname()[1]) or is_kept(one), more)
    return seen


def test_held_by_another(holder):
    """A parked socket stays open although only the queue holds it, is found, and is closed unless kept."""
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
    """More sockets than fit into one message are parked, and replaced one by one."""
    made = [bound() for _number in range(600)]
    ports = [one.getsockname()[1] for one in made]
    sifted(holder, lambda _one: True, *made)
    gone = ports[::100]
    assert sifted(holder, lambda one: one.getsockname()[1] not in gone) == ports
    assert {port for port in ports if is_free(port)} == {*gone}


def test_kept_when_more_fail(holder):
    """An error while adding closes none of the parked sockets."""
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
    """Make the kernel deny descriptors of other processes."""

    def fail(_pidfd: int, _fd: int) -> int:
        raise OSError(38, os.strerror(38))

    with monkeypatch.context() as patched:
        patched.setattr(libc, "pidfd_getfd", fail)
        yield


def test_not_found(holder, monkeypatch):
    """The result is None without such a socket, after the exit, and if the kernel denies descriptors."""
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
    """Another process can't send to the queue."""
    with (
        parked.found(holder) as held,
        closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as other,
        pytest.raises(PermissionError),
    ):
        other.sendto(b"?", held.getsockname())
