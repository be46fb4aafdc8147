# SPDX-License-Identifier: GPL-3.0-or-later
"""Mount a container's root file system with the owners that its user namespace needs (seed: mountStorage, mount).

The layers are shown with other owners by idmapped mounts, which costs nothing. Where the kernel or the file system has none, the
container gets a copy of its image with those owners, once.
"""

from __future__ import annotations

import os

from ..kernel import libc, mounts, usernamespace
from ..kernel.files import directory, make_private
from ..kernel.removal import remove_tree
from ..model.idmap import IdMap
from ..model.layout import ContainerLayout
from ..rootfs import overlay


def mount(container: ContainerLayout, lowers: tuple[str, ...], mapping: IdMap | None) -> None:
    """Mount it on ``container.merged``; ``lowers`` lowest first. Raises what overlay.mount does."""
    if mapping is None:
        overlay.mount(container, lowers)
        return
    if not os.path.isdir(container.mapped):
        try:
            with usernamespace.opened(mapping.uids, mapping.gids) as userns:
                overlay.mount(container, lowers, userns)
        except overlay.NoIdmappedLayers:
            copy(container, lowers, mapping)
        else:
            return
    overlay.mount(container, (container.mapped,))


def unmount(container: ContainerLayout) -> None:
    """Unmount it after a run, unless somebody wants it mounted (``mounted.mount``)."""
    if not os.path.exists(container.kept_mounted):
        overlay.unmount(container)


def copy(container: ContainerLayout, lowers: tuple[str, ...], mapping: IdMap) -> None:
    """Copy the image with other owners to ``container.mapped``: all of it, durably, or nothing."""
    from ..trees.copy import copy_tree

    stage = f"{container.mapped}.new"
    remove_tree(stage)
    make_private(stage)
    overlay.mount_image(container, lowers)
    try:
        with directory(container.merged) as source, directory(stage) as target:
            copy_tree(source, target, mapping)
            libc.syncfs(target)
    finally:
        mounts.unmount(os.path.realpath(container.merged))
    os.rename(stage, container.mapped)
