# SPDX-License-Identifier: GPL-3.0-or-later
"""Read files that others may replace at any time, so that no file can block or harm the reader.

A container can replace its /etc/passwd by a FIFO or a device, whose opening blocks or has side effects; by a
symlink into its /proc or /sys, where a regular file may be endless or never return data (/proc/kmsg); or by a
file on its own file system (FUSE), which may not respond either. Source: open(2), statfs(2), proc(5).
"""

from __future__ import annotations

import errno
import marshal
import os
import select
import signal
import stat
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn, Optional, TypeVar

from . import libc
from .files import directory
from .inroot import Path, open_in_root

Plain = TypeVar("Plain")

#: Timeout in seconds for a file on a disk or in memory.
PATIENCE = 10.0
_PIECE = 256 * 1024
#: Flags that never wait for a FIFO's other end or a lease, and never acquire a controlling terminal.
SAFE = os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY

#: File systems whose files the kernel generates on reading, by the numbers of statfs(2).
_MADE_UP = {
    0x9FA0: "proc",
    0x62656572: "sysfs",
    0x27E0EB: "cgroup",
    0x63677270: "cgroup2",
    0x64626720: "debugfs",
    0x74726163: "tracefs",
    0x73636673: "securityfs",
    0xF97CFF8C: "selinuxfs",
    0x43415D53: "smackfs",
    0x5A3C69F0: "apparmorfs",
    0x62656570: "configfs",
    0xCAFE4A11: "bpf",
    0x6165676C: "pstore",
    0xDE5E81E4: "efivarfs",
    0x42494E4D: "binfmt_misc",
    0x65735543: "fusectl",
    0x19800202: "mqueue",
    0x1CD1: "devpts",
    0x7655821: "resctrl",
    0x6E736673: "nsfs",
    0x50494446: "pidfs",
    0x09041934: "anon_inode",
    0x0187: "autofs",
}


#: OVERLAYFS_SUPER_MAGIC of linux/magic.h.
_OVERLAY = 0x794C7630
#: /dev/null, which is often mounted over files to hide them.
_NULL = os.makedev(1, 3)


class MadeUp(OSError):
    """The kernel generates the file on reading; ``fstype`` is its file system."""

    def __init__(self, fstype: str, path: Optional[Path] = None) -> None:
        super().__init__(errno.EINVAL, f"is on {fstype}, whose files the kernel generates on reading", path)
        self.fstype = fstype


def check(fd: int, path: Optional[Path] = None) -> None:
    """Check that a descriptor, O_PATH too, is of a stored regular file; raises OSError (EINVAL)."""
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        raise OSError(errno.EINVAL, "is not a regular file", path)
    fstype = _MADE_UP.get(libc.fstatfs_type(fd))
    if fstype is not None:
        raise MadeUp(fstype, path)


def is_made_up(fd: int) -> bool:
    """Return whether a descriptor is on a file system whose files the kernel generates."""
    return libc.fstatfs_type(fd) in _MADE_UP


def is_of_layers(fd: int) -> bool:
    """Return whether a descriptor is on an overlay of the host's own disk, which responds at once."""
    return libc.fstatfs_type(fd) == _OVERLAY


def keeps_nobody_waiting(fd: int) -> bool:
    """Return whether reading a descriptor's file (O_PATH) terminates; a directory can't be read anyway."""
    seen = os.fstat(fd)
    if stat.S_ISDIR(seen.st_mode) or seen.st_rdev == _NULL:
        return True
    return stat.S_ISREG(seen.st_mode) and not is_made_up(fd)


def reopen(looked_at: int, path: Optional[Path] = None, flags: int = os.O_RDONLY) -> int:
    """Open the file of an O_PATH descriptor; raises OSError as ``check``, and BlockingIOError for a lease."""
    # Checked before opening: opening a FIFO blocks, and opening a device may have side effects (rewind a
    # tape).
    check(looked_at, path)
    return os.open(f"/proc/self/fd/{looked_at}", flags | SAFE)


def open_file(path: str) -> int:
    """Open a regular file of the host, following symlinks; raises OSError as open(2) and ``check``."""
    looked_at = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        return reopen(looked_at, path)
    finally:
        os.close(looked_at)


def read_file(root: str, path: str, *, limit: int) -> Optional[bytes]:
    """Return the content of a regular file inside ``root``, or None if it does not exist.

    Raises OSError: EFBIG above ``limit`` bytes, EINVAL as ``check``, ELOOP.
    """
    with directory(root) as root_fd:
        try:
            looked_at = open_in_root(root_fd, path, os.O_PATH)
        except (FileNotFoundError, NotADirectoryError):
            return None
    try:
        fd = reopen(looked_at, path)
    finally:
        os.close(looked_at)
    with open(fd, "rb") as stream:
        content = stream.read(limit + 1)
    if len(content) > limit:
        raise OSError(errno.EFBIG, f"is larger than {limit} bytes", path)
    return content


def in_time(act: Callable[[], Plain], seconds: float, *, keep: tuple[int, ...] = ()) -> Plain:
    """Call ``act`` in a child process and return its result; raises its OSError, and TimeoutError.

    The result consists of bytes, numbers, text, and lists of them. A file system's server decides how long a
    call takes, and neither a signal nor an exit interrupts the wait. So a child waits, which is abandoned if
    it takes too long, and which keeps none of our descriptors (locks, output that a caller reads to its end)
    except those in ``keep``.
    """
    reader, writer = os.pipe()
    pid = _fork()
    if pid == 0:
        _run_child(act, writer, keep)
    os.close(writer)
    try:
        said = _read_to_end(reader, time.monotonic() + seconds)
    finally:
        os.close(reader)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, os.WNOHANG if said is None else 0)  # no signal kills a child that hangs
    if said is None:
        raise TimeoutError(errno.ETIMEDOUT, f"did not answer within {seconds:g} s")
    failed, result = marshal.loads(said)  # noqa: S302  (of our own child)
    if failed:
        raise OSError(*result)
    value: Plain = result
    return value


def _fork() -> int:
    with warnings.catch_warnings():
        # The child takes no lock that another thread may hold: it only reads a file.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _run_child(act: Callable[[], Plain], writer: int, keep: tuple[int, ...]) -> NoReturn:
    """Run the child's part, without Python's own clean-up."""
    try:
        _close_others({writer, *keep})
        try:
            said: Any = (False, act())
        except OSError as error:
            said = (True, (error.errno, error.strerror))
        with open(writer, "wb") as stream:
            stream.write(marshal.dumps(said))
    finally:
        os._exit(0)


def _close_others(keep: set[int]) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    for fd in map(int, os.listdir("/proc/self/fd")):
        if fd > 2 and fd not in keep:
            with suppress(OSError):  # the listing's own descriptor
                os.close(fd)


def _read_to_end(reader: int, deadline: float) -> Optional[bytes]:
    """Return all data up to the end of the pipe; None at the deadline."""
    said: list[bytes] = []
    waiting = select.poll()
    waiting.register(reader, select.POLLIN)
    while waiting.poll(max(0.0, deadline - time.monotonic()) * 1000):
        piece = os.read(reader, _PIECE)
        if not piece:
            return b"".join(said)
        said.append(piece)
    return None
