# SPDX-License-Identifier: GPL-3.0-or-later
"""Detect errors that mean a file system can't be written: full, out of inodes, over quota, read-only."""

from __future__ import annotations

import errno
import os

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
#: In bytes. A file system with less free space than this counts as full.
_ROOM = 1 << 20
_TEXTS = tuple(os.strerror(number).lower() for number in NO_ROOM)


def is_full(holder: int | str | bytes) -> bool:
    """Return whether a file system is practically full.

    ENOSPC alone does not prove it: the kernel also returns that for an extended attribute that is too large.
    """
    found = os.statvfs(holder)
    return found.f_bfree * found.f_frsize < _ROOM or bool(found.f_files and not found.f_ffree)


def is_no_room(error: BaseException) -> bool:
    """Return whether an error means this: an OSError, an error caused by one, or a program's message."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in NO_ROOM:
            return True
        seen = seen.__cause__
    return any(text in str(error).lower() for text in _TEXTS)
