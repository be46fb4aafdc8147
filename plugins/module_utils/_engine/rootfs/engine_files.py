# SPDX-License-Identifier: GPL-3.0-or-later
"""Mount what holds the files that the engine writes for a container and the container may write to (/etc/hosts, ...).

They are bound into the container. In the run directory itself a container could fill the run root, in which the engine's own
locks and the state of all containers lie, by its /etc/hosts alone; so they have a small file system of their own.
"""

from __future__ import annotations

import os

from ..kernel import files, mountinfo, mounts
from ..model.engine.layout import ContainerLayout

#: The texts of a host have up to 1 MiB each; files are a handful.
_SIZE = 4 * 1024 * 1024
_INODES = 32


def mount(container: ContainerLayout) -> None:
    """Mount it on ``container.files``, which others may pass through; does nothing when it is mounted already."""
    if not is_mounted(container):
        files.make_private(container.files)
        options = ("nosuid", "nodev", "noexec", f"nr_inodes={_INODES}")
        mounts.tmpfs(container.files, size=_SIZE, mode=0o755, options=options)


def unmount(container: ContainerLayout) -> None:
    """Unmount it; not mounted, or no such container, is fine."""
    mounts.unmount(os.path.realpath(container.files))


def is_mounted(container: ContainerLayout) -> bool:
    """Tell whether it is mounted."""
    return mountinfo.at(os.path.realpath(container.files)) is not None
