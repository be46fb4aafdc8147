# SPDX-License-Identifier: GPL-3.0-or-later
"""Give a container its root file system, by its storage driver, with the owners that its user namespace needs.

Seed: mountStorage, mount.

Where a driver can't show the layers with other owners at no cost (idmapped mounts), the container gets a copy of its image with
those owners, once.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NamedTuple, Optional

from ...kernel import usernamespace
from ...model.engine.layout import ContainerLayout
from ...model.engine.storage_drivers import FUSE, OVERLAY, VFS
from ...model.values.idmap import IdMap
from ...rootfs import overlay

#: Takes a process that a mount needs, by its pid, to where it is to run.
Move = Optional[Callable[[int], None]]
#: The image's layers, lowest first.
Lowers = tuple[str, ...]


class Driver(NamedTuple):
    """What a storage driver does. ``mount`` goes on with what the container wrote; each may be called again."""

    mount: Callable[[ContainerLayout, Lowers, Optional[IdMap], Move], object]
    unmount: Callable[[ContainerLayout], object]


def driver_of(name: str) -> Driver:
    """Return the driver; the rare ones are imported when they are needed."""
    if name == FUSE:
        from ...rootfs import fuse

        return Driver(_mount_fuse, fuse.unmount)
    if name == VFS:
        from ...rootfs import vfs

        return Driver(_mount_vfs, vfs.unmount)
    return Driver(_mount_overlay, overlay.unmount)


def mount(
    container: ContainerLayout,
    lowers: Lowers,
    mapping: IdMap | None,
    *,
    driver: str = OVERLAY,
    move: Move = None,
) -> None:
    """Have it at ``container.merged``. Raises HostLacks, NotFound for a layer, StoreFull, and what the kernel says."""
    driver_of(driver).mount(container, lowers, mapping, move)


def unmount(container: ContainerLayout, driver: str) -> None:
    """Unmount it after a run, unless somebody wants it mounted (lifecycle/files/mount.py)."""
    if not os.path.exists(container.kept_mounted):
        driver_of(driver).unmount(container)


def prepare(container: ContainerLayout, lowers: Lowers, mapping: IdMap | None, *, driver: str) -> None:
    """Make, when the container is created, what is to be there before the first start: with vfs all of it."""
    if driver == VFS:
        mount(container, lowers, mapping, driver=driver)


def copy(container: ContainerLayout, lowers: Lowers, mapping: IdMap) -> None:
    """Copy the image with other owners to ``container.mapped``: all of it, durably, or nothing."""
    from ...rootfs import vfs

    vfs.make(container.mapped, lowers, mapping)


def _mount_overlay(container: ContainerLayout, lowers: Lowers, mapping: IdMap | None, _move: Move) -> None:
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


def _mount_fuse(container: ContainerLayout, lowers: Lowers, mapping: IdMap | None, move: Move) -> None:
    from ...rootfs import fuse

    # Its own options for ids leave those in ACLs and file capabilities as they are.
    if mapping is not None and not os.path.isdir(container.mapped):
        copy(container, lowers, mapping)
    fuse.mount(container, lowers if mapping is None else (container.mapped,), move)


def _mount_vfs(container: ContainerLayout, lowers: Lowers, mapping: IdMap | None, _move: Move) -> None:
    from ...rootfs import vfs

    vfs.mount(container, lowers, mapping)
