# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait for changes of files; source: inotify(7)."""

from __future__ import annotations

import errno
import os
import select
from types import TracebackType
from typing import Optional

from ..errors import HostLacks
from . import libc

#: A file was written, created, renamed in or deleted: a writer's last actions.
CHANGED = libc.IN_MODIFY | libc.IN_CLOSE_WRITE | libc.IN_CREATE | libc.IN_MOVED_TO | libc.IN_DELETE
#: More than one read returns; the next read gets the rest.
_BUFFER = 64 * 1024
#: poll(2) takes milliseconds in 31 bits.
_LONGEST_POLL = 86400.0


class Watch:
    """A watch of directories.

    The kernel queues events from ``add`` on, so check the files after calling it.
    """

    def __init__(self) -> None:
        try:
            self._fd = libc.inotify_init1()
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE):
                raise
            raise HostLacks(
                "no inotify instance is available: the kernel's limit is reached",
                remedy="Raise the kernel parameter fs.inotify.max_user_instances, for example with ansible.posix.sysctl",
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
        """Watch the files in the directory for the events of ``mask``."""
        libc.inotify_add_watch(self._fd, directory, mask)

    def wait(self, timeout: float, *others: int) -> bool:
        """Wait at most ``timeout`` seconds for an event, or until one of the other descriptors is readable.

        Return whether there was one; all events so far are consumed as one.
        """
        poll = select.poll()
        for fd in (self._fd, *others):
            poll.register(fd, select.POLLIN)
        ready = poll.poll(max(0, int(min(timeout, _LONGEST_POLL) * 1000) + 1))
        if any(fd == self._fd for fd, _event in ready):
            os.read(self._fd, _BUFFER)
        return bool(ready)
