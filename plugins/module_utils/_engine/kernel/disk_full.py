# SPDX-License-Identifier: GPL-3.0-or-later
"""Return whether an error means that a file system takes nothing more: full, out of inodes, over a quota, read-only."""

from __future__ import annotations

import errno
import os

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
#: With less than this left, a file system that has no space for something small is full.
_ROOM = 1 << 20
_TEXTS = tuple(os.strerror(number).lower() for number in NO_ROOM)


def is_full(holder: int | str | bytes) -> bool:
    """Tell whether a file system has hardly room: the kernel says ENOSPC of an extended attribute that is only too large, too."""
    found = os.statvfs(holder)
    return found.f_bfree * found.f_frsize < _ROOM or bool(found.f_files and not found.f_ffree)


def is_no_room(error: BaseException) -> bool:
    """Tell it of an error of the system, of one that was caused by such a one, and of what a program said of it."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in NO_ROOM:
            return True
        seen = seen.__cause__
    return any(text in str(error).lower() for text in _TEXTS)
