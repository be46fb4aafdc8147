# SPDX-License-Identifier: GPL-3.0-or-later
"""Give a container a copy of its whole image as root file system: it needs nothing of the kernel, so it works everywhere.

Where the file system can, the copy shares the image's blocks (reflink).
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from contextlib import ExitStack, closing

from ..errors import StoreFull
from ..kernel import libc
from ..kernel.files import directory, make_private
from ..kernel.removal import remove_tree
from ..model.engine.layout import ContainerLayout
from ..model.engine.storage_drivers import VFS
from ..model.values.idmap import IdMap
from ..trees.copy import copy_from
from . import mount_state, vfs_changes

_FULL = (errno.ENOSPC, errno.EDQUOT)


def mount(container: ContainerLayout, lowers: Sequence[str], mapping: IdMap | None = None) -> str:
    """Make the root file system unless it is there, and return where: ``container.merged``, which is no mount.

    ``lowers`` lowest first. An ``upper`` that is there, of an imported checkpoint, lies on top.
    Raises NotFound for a layer, StoreFull, HostLacks; nothing half-made is left then.
    """
    if not mount_state.is_mounted(container, VFS):
        layers = [*lowers, container.upper] if os.path.isdir(container.upper) else lowers
        make(container.merged, layers, mapping)
    return container.merged


def unmount(_container: ContainerLayout) -> None:
    """Do nothing: the files stay."""


def make(target: str, lowers: Sequence[str], mapping: IdMap | None = None) -> None:
    """Copy what the layers make up, lowest first, with the owners of a user namespace: all of it, durably, or nothing."""
    stage = f"{target}.new"
    remove_tree(stage)
    make_private(stage)
    try:
        _copy(stage, lowers, mapping)
    except BaseException as error:  # also at an interrupt: a half copy may be large
        remove_tree(stage)
        if isinstance(error, OSError) and error.errno in _FULL:
            raise StoreFull(
                f"no space is left in {os.path.dirname(target)} for a copy of the image",
                remedy="Free some on that file system",
                path=target,
            ) from error
        raise
    os.rename(stage, target)


def _copy(stage: str, lowers: Sequence[str], mapping: IdMap | None) -> None:
    with ExitStack() as held, directory(stage) as target:
        if not lowers:  # an image without layers: its root is open to its users
            os.fchmod(target, 0o755)
            os.fchown(target, *(mapping.root if mapping else (0, 0)))
            return
        copy_from(held.enter_context(closing(vfs_changes.merged(held, lowers))), target, mapping)
        libc.syncfs(target)
