# SPDX-License-Identifier: GPL-3.0-or-later
"""Mount a container's own /dev/shm, a tmpfs in its run directory."""

from __future__ import annotations

import os

from ..kernel import files, mountinfo, mounts
from ..model.engine.layout import ContainerLayout
from ..model.values.idmap import IdMap


def mount_shm(container: ContainerLayout, size: int, mapping: IdMap | None = None) -> str:
    """Mount a world-writable tmpfs of ``size`` bytes on ``container.shm``, unless mounted; return that."""
    if not is_mounted(container):
        files.make_private(container.shm)
        mounts.tmpfs(container.shm, size=size, mode=0o1777, options=("nosuid", "nodev", "noexec"))
        if mapping is not None:  # it belongs to the container's root
            os.chown(container.shm, *mapping.root)
    return container.shm


def unmount_shm(container: ContainerLayout) -> None:
    """Unmount it; do nothing if it is not mounted, or the container does not exist."""
    mounts.unmount(os.path.realpath(container.shm))


def is_mounted(container: ContainerLayout) -> bool:
    """Return whether the tmpfs is mounted."""
    entry = mountinfo.at(os.path.realpath(container.shm))
    return entry is not None and entry.fstype == "tmpfs"
