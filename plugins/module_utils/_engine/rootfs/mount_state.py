# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell whether a container's root file system is there, and works; for whoever only looks."""

from __future__ import annotations

import errno
import os

from ..errors import EngineError
from ..kernel import mountinfo
from ..model.engine.layout import ContainerLayout
from ..model.engine.storage_drivers import FUSE, OVERLAY

#: What mountinfo calls them.
FSTYPES = {OVERLAY: "overlay", FUSE: "fuse.fuse-overlayfs"}
#: What the kernel answers for a mount whose program has ended.
DEAD = (errno.ENOTCONN, errno.ECONNABORTED)


class RootfsDied(EngineError):
    """The program that shows a container's root file system has ended before its container."""

    code = "rootfs_died"


def is_mounted(container: ContainerLayout, driver: str) -> bool:
    """Tell whether the root file system is there, whether it works or not; with vfs it is a plain directory."""
    if driver not in FSTYPES:
        return os.path.isdir(container.merged)
    # mountinfo knows no symlinks, and the engine's root may lie behind one.
    entry = mountinfo.at(os.path.realpath(container.merged))
    return entry is not None and entry.fstype == FSTYPES[driver]


def works(container: ContainerLayout) -> bool:
    """Tell whether somebody answers for what is mounted; nothing mounted works too."""
    try:
        os.statvfs(
            container.merged
        )  # asks the program, where stat(2) is content with what the kernel remembers
    except FileNotFoundError:
        return True
    except OSError as error:
        if error.errno not in DEAD:
            raise
        return False
    return True


def check(container: ContainerLayout, name: str, driver: str) -> None:
    """Raise RootfsDied when a program shows the root file system of the container of this name, and has ended."""
    if driver == FUSE and not works(container):
        raise RootfsDied(
            f"the root file system of {name} is gone: its program {FUSE} has ended",
            remedy="Restart the container: what it has written is still there",
            name=name,
        )
