# SPDX-License-Identifier: GPL-3.0-or-later
"""A container replaces files that the engine reads: nothing hangs, and the error names the file."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from _engine.errors import CommandTimeout, InvalidOption, WrongState
from _engine.kernel import mounts, untrusted_files
from _engine.lifecycle.connect.join import enter
from _engine.lifecycle.connect.open_file import CannotPass, open_to_read
from _engine.lifecycle.core import container_users
from _engine.lifecycle.exec.exec import execute
from _engine.lifecycle.exec.readable import exists
from _engine.lifecycle.files.copy import CopyRequest, copy
from _engine.model.container.execution import ExecSpec
from _engine.trees.sync_source import CannotCopy

FOREVER = ("sleep", "1000")
#: Seconds: longer than all of it takes on a busy machine, and far less than for ever.
SOON = 30

#: What a container puts in place of its /etc/passwd, and the error about that.
IN_ITS_PLACE = [
    (lambda path: path.symlink_to("/proc/kmsg"), "is on proc"),
    (lambda path: path.symlink_to("/sys/kernel/uevent_seqnum"), "is on sysfs"),
    (os.mkfifo, "is not a regular file"),
    (lambda path: path.symlink_to("/dev/zero"), "is not a regular file"),
    (lambda path: path.symlink_to("passwd"), "Too many levels"),
    (lambda path: path.mkdir(), "is not a regular file"),
    (lambda path: path.write_bytes(bytes(5 << 20)), "is larger than"),
]


def run(host, *argv: str, timeout: float | None = None, **options: object):
    """Run a command in the container."""
    with host.open() as engine:
        return execute(engine, "box", ExecSpec.parse({"argv": list(argv), **options}), timeout=timeout)[1]


@contextmanager
def soon():
    """Fail if the body takes long."""
    begin = time.monotonic()
    yield
    assert time.monotonic() - begin < SOON


def test_what_stands_in_the_place_of_passwd_is_never_waited_for(host, tmp_path):
    """Exec, copy and connection report a replaced passwd in time, and the container can be removed."""
    host.start(*FOREVER, stop_timeout=1)
    (tmp_path / "file").write_text("x")
    etc = Path(f"/proc/{host.record().process.pid}/root/etc")
    etc.mkdir(exist_ok=True)
    passwd = etc / "passwd"
    passwd.unlink(missing_ok=True)
    for make, said in IN_ITS_PLACE:
        make(passwd)
        with (
            soon(),
            pytest.raises(InvalidOption, match=f"user: 'ann' can't be looked up: .*/etc/passwd {said}"),
        ):
            run(host, "true", user="ann", timeout=5)
        with soon(), host.open() as engine:
            copy(engine, CopyRequest("box", str(tmp_path / "file"), "/tmp/file"))
        with soon(), pytest.raises(InvalidOption, match=said):
            open_to_read(host.layout, enter(host.layout, "box"), "/bin/sh", user="ann")
        passwd.rmdir() if passwd.is_dir() and not passwd.is_symlink() else passwd.unlink()
    for make in (lambda path: path.symlink_to("/proc/kmsg"), os.mkfifo):
        make(passwd)
        for user in ({}, {"user": "7"}):  # runc reads the file whoever it is
            with soon(), pytest.raises(WrongState, match="reading the container's /etc/passwd would block"):
                run(host, "true", **user)
        passwd.unlink()
    passwd.symlink_to("/dev/null")
    assert run(host, "true", user="7").code == 0
    passwd.unlink()
    passwd.symlink_to("/proc/kmsg")
    with soon():
        host.bring("box", "absent")


def test_files_that_the_kernel_makes_up_are_refused(host, tmp_path):
    """Copy and connection refuse files of /proc and /sys, which have no size, and name an alternative."""
    host.start(*FOREVER, stop_timeout=0)
    for path in ("/proc/version", "/proc/kmsg", "/sys/kernel/uevent_seqnum"):
        with (
            soon(),
            host.open() as engine,
            pytest.raises(CannotCopy, match=r"kernel generates on reading.*container_exec"),
        ):
            copy(engine, CopyRequest("box", path, str(tmp_path / "copy"), from_container=True))
        with soon(), pytest.raises(CannotPass, match=r"kernel generates on reading.*slurp"):
            open_to_read(host.layout, enter(host.layout, "box"), path, user=None)
    assert not (tmp_path / "copy").exists()


@pytest.fixture
def hung(tmp_path, tree):
    """Return a directory on a file system that never answers."""
    place = tmp_path / "hung"
    place.mkdir()
    server = subprocess.Popen(
        [sys.executable, str(tree / "tests/support/hungfuse.py"), str(place)],
        env={**os.environ, "PYTHONPATH": str(tree / "plugins/module_utils")},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout.readline() == "ready\n"
        yield place
    finally:
        server.kill()  # which releases all hanging processes
        server.communicate()
        mounts.unmount(str(place))


def test_a_file_system_that_does_not_answer_is_left_behind(hung, tmp_path):
    """An uninterruptible call is left to a child without our locks and output; the caller times out."""
    reader, writer = os.pipe()
    (tmp_path / "etc").symlink_to("hung/etc")
    with soon():
        with pytest.raises(TimeoutError, match=r"did not answer within 0\.2 s"):
            untrusted_files.in_time(lambda: os.listdir(hung), 0.2, keep=(0,))
        with pytest.raises(CommandTimeout, match=r"/etc/passwd or /etc/group did not answer within 0.2 s"):
            container_users.accounts(str(tmp_path), seconds=0.2)
    os.close(writer)
    assert os.read(reader, 1) == b""
    os.close(reader)
    assert not exists(os.getpid(), "/no/such/file")
    assert exists(os.getpid(), "/bin/sh")
