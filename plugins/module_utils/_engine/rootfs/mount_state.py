# SPDX-License-Identifier: GPL-3.0-or-later
"""Check whether a container's root file system is mounted and works, without changing anything."""

from __future__ import annotations

import errno
import os

from ..errors import EngineError
from ..kernel import mountinfo
from ..model.engine.layout import ContainerLayout
from ..model.engine.storage_drivers import FUSE, OVERLAY

#: Their file system types in mountinfo.
FSTYPES = {OVERLAY: "overlay", FUSE: "fuse.fuse-overlayfs"}
#: The kernel's errors for a mount whose program has exited.
DEAD = (errno.ENOTCONN, errno.ECONNABORTED)


class RootfsDied(EngineError):
    """The program that serves a container's root file system has exited before its container."""

    code = "rootfs_died"


def is_mounted(container: ContainerLayout, driver: str) -> bool:
    """Return whether the root file system is mounted, working or not; with vfs, whether it exists."""
    if driver not in FSTYPES:
        return os.path.isdir(container.merged)
    # mountinfo has resolved paths, and the engine's root may be behind a symlink.
    entry = mountinfo.at(os.path.realpath(container.merged))
    return entry is not None and entry.fstype == FSTYPES[driver]


def works(container: ContainerLayout) -> bool:
    """Return whether the mount's program responds; True also if nothing is mounted."""
    try:
        os.statvfs(
            container.merged
        )  # asks the program, unlike stat(2), which the kernel may answer from its cache
    except FileNotFoundError:
        return True
    except OSError as error:
        if error.errno not in DEAD:
            raise
        return False
    return True


def check(container: ContainerLayout, name: str, driver: str) -> None:
    """Check that the program of the container's root file system, if any, is running. Raises RootfsDied."""
    if driver == FUSE and not works(container):
        raise RootfsDied(
            f"the root file system of {name} is gone: its program {FUSE} has exited",
            remedy="Restart the container; its files are not lost",
            name=name,
        )
