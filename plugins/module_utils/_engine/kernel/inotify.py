# SPDX-License-Identifier: GPL-3.0-or-later
"""Sleep until something happens to files, and not a moment longer; source: inotify(7)."""

from __future__ import annotations

import errno
import os
import select
from types import TracebackType
from typing import Optional

from ..errors import HostLacks
from . import libc

#: A file that was written, or came under its name: what a writer does last.
CHANGED = libc.IN_MODIFY | libc.IN_CLOSE_WRITE | libc.IN_CREATE | libc.IN_MOVED_TO | libc.IN_DELETE
#: Far more than one read gives; what did not fit is read the next time.
_BUFFER = 64 * 1024
#: poll(2) takes milliseconds in 31 bits.
_LONGEST_POLL = 86400.0


class Watch:
    """Watches directories. What happens from ``add`` on is kept by the kernel, so look at the files after it."""

    def __init__(self) -> None:
        try:
            self._fd = libc.inotify_init1()
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE):
                raise
            raise HostLacks(
                "the kernel gives no further inotify instance",
                remedy="Raise the kernel parameter fs.inotify.max_user_instances, as with ansible.posix.sysctl",
                feature="inotify",
            ) from error

    def __enter__(self) -> Watch:  # noqa: PYI034  (typing.Self is of Python 3.11)
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        os.close(self._fd)

    def add(self, directory: str, mask: int = CHANGED) -> None:
        """Watch what happens to the files in the directory."""
        libc.inotify_add_watch(self._fd, directory, mask)

    def wait(self, timeout: float, *others: int) -> bool:
        """Wait at most ``timeout`` seconds until something happens, or one of the other descriptors can be read.

        Tells whether anything did; everything that has happened until now is taken as one.
        """
        poll = select.poll()
        for fd in (self._fd, *others):
            poll.register(fd, select.POLLIN)
        ready = poll.poll(max(0, int(min(timeout, _LONGEST_POLL) * 1000) + 1))
        if any(fd == self._fd for fd, _event in ready):
            os.read(self._fd, _BUFFER)
        return bool(ready)
