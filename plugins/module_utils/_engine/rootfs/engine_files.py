# SPDX-License-Identifier: GPL-3.0-or-later
"""Mount a small tmpfs for the files that the engine writes for a container (/etc/hosts, ...).

They are bind-mounted into the container, which may write to them. In the run directory itself, a container could fill the
run root, which has the engine's locks and the state of all containers; so they have a file system of their own.
"""

from __future__ import annotations

import os

from ..kernel import files, mountinfo, mounts
from ..model.engine.layout import ContainerLayout

#: The files are few; each has up to 1 MiB of the host's text.
_SIZE = 4 * 1024 * 1024
_INODES = 32


def mount(container: ContainerLayout) -> None:
    """Mount it on ``container.files``, traversable by all users; do nothing if it is mounted already."""
    if not is_mounted(container):
        files.make_private(container.files)
        options = ("nosuid", "nodev", "noexec", f"nr_inodes={_INODES}")
        mounts.tmpfs(container.files, size=_SIZE, mode=0o755, options=options)


def unmount(container: ContainerLayout) -> None:
    """Unmount it; do nothing if it is not mounted, or the container does not exist."""
    mounts.unmount(os.path.realpath(container.files))


def is_mounted(container: ContainerLayout) -> bool:
    """Return whether it is mounted."""
    return mountinfo.at(os.path.realpath(container.files)) is not None
