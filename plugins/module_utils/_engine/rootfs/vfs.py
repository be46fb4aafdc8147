# SPDX-License-Identifier: GPL-3.0-or-later
"""Copy the whole image as a container's root file system, which needs no kernel feature and works everywhere.

Where the file system supports it, the copy shares the image's blocks (reflink).
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
    """Create the root file system as directory ``container.merged`` unless it exists, and return that.

    ``lowers`` are lowest first; an existing ``upper``, of an imported checkpoint, is the topmost layer.
    Raises NotFound for a layer, StoreFull, HostLacks; nothing half-made is left then.
    """
    if not mount_state.is_mounted(container, VFS):
        layers = [*lowers, container.upper] if os.path.isdir(container.upper) else lowers
        make(container.merged, layers, mapping)
    return container.merged


def unmount(_container: ContainerLayout) -> None:
    """Do nothing: the files are kept."""


def make(target: str, lowers: Sequence[str], mapping: IdMap | None = None) -> None:
    """Copy the merged layers, lowest first, with owners mapped, atomically and durably."""
    stage = f"{target}.new"
    remove_tree(stage)
    make_private(stage)
    try:
        _copy(stage, lowers, mapping)
    except BaseException as error:  # also on an interrupt: a half copy may be large
        remove_tree(stage)
        if isinstance(error, OSError) and error.errno in _FULL:
            raise StoreFull(
                f"no space is left in {os.path.dirname(target)} for a copy of the image",
                remedy="Free space on that file system",
                path=target,
            ) from error
        raise
    os.rename(stage, target)


def _copy(stage: str, lowers: Sequence[str], mapping: IdMap | None) -> None:
    with ExitStack() as held, directory(stage) as target:
        if not lowers:  # an image without layers: users must be able to traverse its root
            os.fchmod(target, 0o755)
            os.fchown(target, *(mapping.root if mapping else (0, 0)))
            return
        copy_from(held.enter_context(closing(vfs_changes.merged(held, lowers))), target, mapping)
        libc.syncfs(target)
