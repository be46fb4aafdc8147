# SPDX-License-Identifier: GPL-3.0-or-later
"""Create, pin and enter network namespaces."""

from __future__ import annotations

import fcntl
import os
import subprocess

import pytest

from _engine.kernel import mountinfo, mounts, usernamespace
from _engine.kernel.net import netns

#: _IO(0xb7, 1), ioctl_nsfs(2): returns a descriptor of the owning user namespace.
NS_GET_USERNS = 0xB701


def ours() -> int:
    """Return the inode of this thread's network namespace."""
    return os.stat("/proc/thread-self/ns/net").st_ino


def test_a_namespace_is_kept_by_its_path(place):
    """A pinned namespace exists without processes; pinning it again keeps it, unpinning removes it."""
    path = str(place / "net")
    assert not netns.is_pinned(path)
    netns.pin(path)
    first = os.stat(path).st_ino
    netns.pin(path)
    assert netns.is_pinned(path)
    assert os.stat(path).st_ino == first != ours()
    assert netns.call(path, ours) == first
    netns.unpin(path)
    netns.unpin(path)
    assert not os.path.exists(path)
    assert not netns.is_pinned(path)


def test_a_file_that_was_left_is_used(place):
    """A file that a killed call left without its mount gets one."""
    path = str(place / "net")
    (place / "net").touch()
    assert not netns.is_pinned(path)
    netns.pin(path)
    assert netns.is_pinned(path)
    netns.unpin(path)


def test_the_caller_stays_where_it_is(space):
    """The function called inside may fail, and this process never leaves its namespace."""
    before = ours()
    with pytest.raises(ZeroDivisionError):
        netns.call(space, lambda: 1 // 0)
    assert ours() == before
    fd = os.open(space, os.O_RDONLY)
    assert netns.call(fd, ours) == os.fstat(fd).st_ino
    os.close(fd)


def test_a_namespace_belongs_to_a_user_namespace(place):
    """A user namespace owns the network namespace created in it, and no process remains."""
    path = str(place / "net")
    lines = [(0, 100000, 65536)]
    with usernamespace.opened(lines, lines) as userns:
        netns.pin(path, userns_fd=userns)
        fd = os.open(path, os.O_RDONLY)
        owner = fcntl.ioctl(fd, NS_GET_USERNS)
        assert os.fstat(owner).st_ino == os.fstat(userns).st_ino
        os.close(owner)
        os.close(fd)
    netns.unpin(path)


def test_a_copy_elsewhere_does_not_hold_it(place):
    """A mount namespace that was cloned while it was pinned loses it on unpinning."""
    path = str(place / "net")
    mounts.bind(str(place), str(place))
    mounts.make_private(str(place))
    netns.pin(path)
    holder = subprocess.Popen(
        ["unshare", "--mount", "--propagation=private", "sh", "-c", "echo ready; exec sleep 60"],
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout.readline() == b"ready\n"
        netns.unpin(path)
        with open(f"/proc/{holder.pid}/mountinfo") as stream:
            assert path not in stream.read()
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()
        mounts.unmount(str(place))
    assert mountinfo.below(str(place)) == ()
