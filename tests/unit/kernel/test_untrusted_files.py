# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that somebody else may exchange: read if they are files, and refused before they are opened if not."""

from __future__ import annotations

import errno
import fcntl
import os
import signal

import pytest

from _engine.kernel import untrusted_files

REFUSED = [
    ("/proc/version", errno.EINVAL),
    ("/proc/self/environ", errno.EINVAL),
    ("/sys/kernel/uevent_seqnum", errno.EINVAL),
    ("/dev/null", errno.EINVAL),
    ("/etc", errno.EINVAL),
]


@pytest.mark.parametrize(("path", "code"), REFUSED)
def test_what_is_no_file_on_a_disk_is_refused(path, code):
    """Regular files that the kernel makes up are no more read than devices and directories."""
    with pytest.raises(OSError) as caught:  # noqa: PT011
        untrusted_files.read_file("/", path, limit=100)
    assert caught.value.errno == code


def test_a_lease_does_not_hold_up_the_reader(tmp_path):
    """Whoever has a lease on a file makes others wait for up to 45 s; we do not."""
    path = tmp_path / "leased"
    path.write_text("x")
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)  # how the holder is told
    with open(path, "r+") as holder:
        fcntl.fcntl(holder, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        with pytest.raises(BlockingIOError):
            untrusted_files.read_file(str(tmp_path), "leased", limit=100)
        fcntl.fcntl(holder, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    signal.signal(signal.SIGIO, before)


def test_a_child_hands_back_what_it_found():
    """Bytes, numbers and text come back as they are, and so does what the system refused."""
    assert untrusted_files.in_time(lambda: [b"a", 1, ("x", None)], 5) == [b"a", 1, ("x", None)]
    with pytest.raises(FileNotFoundError):
        untrusted_files.in_time(lambda: os.stat("/no/such"), 5)


def test_a_child_holds_nothing_of_ours(tmp_path):
    """The child has no descriptor but those it is to keep: a lock of ours ends with us, whatever holds the child up."""
    kept = os.open(tmp_path, os.O_RDONLY)
    other = os.open(tmp_path, os.O_RDONLY)
    seen = untrusted_files.in_time(lambda: sorted(map(int, os.listdir("/proc/self/fd"))), 5, keep=(kept,))
    assert kept in seen
    assert other not in seen
    os.close(kept)
    os.close(other)
