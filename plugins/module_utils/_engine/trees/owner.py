# SPDX-License-Identifier: GPL-3.0-or-later
"""Change the owner of a whole directory tree."""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from .cursor import walk


def give(root_fd: int, uid: int, gid: int) -> None:
    """Change the owner of a directory and all below it, or of a file; symbolic links are not followed.

    The root comes last, so its owner shows whether a walk was completed. Raises OSError.
    """
    root = os.fstat(root_fd)
    if stat.S_ISDIR(root.st_mode):
        for parent, name, info in walk(root_fd):
            if (info.st_uid, info.st_gid) != (uid, gid):
                with suppress(FileNotFoundError):
                    os.chown(name, uid, gid, dir_fd=parent, follow_symlinks=False)
    if (root.st_uid, root.st_gid) != (uid, gid):
        os.chown(f"/proc/self/fd/{root_fd}", uid, gid)  # the descriptor may be O_PATH
