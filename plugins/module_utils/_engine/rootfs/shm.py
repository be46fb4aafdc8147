# SPDX-License-Identifier: GPL-3.0-or-later
"""Mount a container's /dev/shm: a tmpfs of its own, in the run directory."""

from __future__ import annotations

import os

from ..kernel import files, mountinfo, mounts
from ..model.engine.layout import ContainerLayout
from ..model.values.idmap import IdMap


def mount_shm(container: ContainerLayout, size: int, mapping: IdMap | None = None) -> str:
    """Mount a tmpfs of ``size`` bytes, for everybody to write to, and return where: ``container.shm``.

    Does nothing when it is mounted already.
    """
    if not is_mounted(container):
        files.make_private(container.shm)
        mounts.tmpfs(container.shm, size=size, mode=0o1777, options=("nosuid", "nodev", "noexec"))
        if mapping is not None:  # the container's root owns it
            os.chown(container.shm, *mapping.root)
    return container.shm


def unmount_shm(container: ContainerLayout) -> None:
    """Unmount it; not mounted, or no such container, is fine."""
    mounts.unmount(os.path.realpath(container.shm))


def is_mounted(container: ContainerLayout) -> bool:
    """Tell whether the tmpfs is mounted."""
    entry = mountinfo.at(os.path.realpath(container.shm))
    return entry is not None and entry.fstype == "tmpfs"
