# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives a whole directory tree to one owner."""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from .cursor import walk


def give(root_fd: int, uid: int, gid: int) -> None:
    """Give a directory and all below it to an owner, or a single file; symlinks themselves, not what they lead to.

    The root comes last: its owner tells whether a walk came to its end. Raises OSError.
    """
    root = os.fstat(root_fd)
    if stat.S_ISDIR(root.st_mode):
        for parent, name, info in walk(root_fd):
            if (info.st_uid, info.st_gid) != (uid, gid):
                with suppress(FileNotFoundError):
                    os.chown(name, uid, gid, dir_fd=parent, follow_symlinks=False)
    if (root.st_uid, root.st_gid) != (uid, gid):
        os.chown(
            f"/proc/self/fd/{root_fd}", uid, gid
        )  # the descriptor may be one that only names it (O_PATH)
