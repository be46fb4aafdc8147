# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that others may replace: read if they are regular files, else refused unopened."""

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
    """Regular files that the kernel generates are refused like devices and directories."""
    with pytest.raises(OSError) as caught:  # noqa: PT011
        untrusted_files.read_file("/", path, limit=100)
    assert caught.value.errno == code


def test_a_lease_does_not_hold_up_the_reader(tmp_path):
    """The holder of a lease on a file can delay other openers for 45 s, but not us."""
    path = tmp_path / "leased"
    path.write_text("x")
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)  # the signal that notifies the lease's holder
    with open(path, "r+") as holder:
        fcntl.fcntl(holder, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        with pytest.raises(BlockingIOError):
            untrusted_files.read_file(str(tmp_path), "leased", limit=100)
        fcntl.fcntl(holder, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    signal.signal(signal.SIGIO, before)


def test_a_child_hands_back_what_it_found():
    """Bytes, numbers, text and the system's errors are returned unchanged."""
    assert untrusted_files.in_time(lambda: [b"a", 1, ("x", None)], 5) == [b"a", 1, ("x", None)]
    with pytest.raises(FileNotFoundError):
        untrusted_files.in_time(lambda: os.stat("/no/such"), 5)


def test_a_child_holds_nothing_of_ours(tmp_path):
    """The child keeps only the given descriptors: our locks end with us, even if it hangs."""
    kept = os.open(tmp_path, os.O_RDONLY)
    other = os.open(tmp_path, os.O_RDONLY)
    seen = untrusted_files.in_time(lambda: sorted(map(int, os.listdir("/proc/self/fd"))), 5, keep=(kept,))
    assert kept in seen
    assert other not in seen
    os.close(kept)
    os.close(other)
