# SPDX-License-Identifier: GPL-3.0-or-later
"""Mount a container's root file system by its storage driver, with the owners that its user namespace needs.

Where a driver cannot map the owners of the layers (idmapped mounts), a copy of the image with those owners is made once for
the container. Seed: mountStorage, mount.
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

#: Moves a process that serves a mount, by its PID, to its cgroup.
Move = Optional[Callable[[int], None]]
#: The image's layers, lowest first.
Lowers = tuple[str, ...]


class Driver(NamedTuple):
    """The functions of a storage driver; ``mount`` keeps the container's changes; both are idempotent."""

    mount: Callable[[ContainerLayout, Lowers, Optional[IdMap], Move], object]
    unmount: Callable[[ContainerLayout], object]


def driver_of(name: str) -> Driver:
    """Return the driver; rare ones are imported on demand."""
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
    """Mount it at ``container.merged``. Raises HostLacks, NotFound for a layer, StoreFull, OSError."""
    driver_of(driver).mount(container, lowers, mapping, move)


def unmount(container: ContainerLayout, driver: str) -> None:
    """Unmount it after a run, unless it is kept mounted for the host (lifecycle/files/mount.py)."""
    if not os.path.exists(container.kept_mounted):
        driver_of(driver).unmount(container)


def prepare(container: ContainerLayout, lowers: Lowers, mapping: IdMap | None, *, driver: str) -> None:
    """Create, with the container, what must exist before the first start: with vfs the whole tree."""
    if driver == VFS:
        mount(container, lowers, mapping, driver=driver)


def copy(container: ContainerLayout, lowers: Lowers, mapping: IdMap) -> None:
    """Copy the image with mapped owners to ``container.mapped``, atomically and durably."""
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

    # fuse-overlayfs's own id options do not map the ids in ACLs and file capabilities.
    if mapping is not None and not os.path.isdir(container.mapped):
        copy(container, lowers, mapping)
    fuse.mount(container, lowers if mapping is None else (container.mapped,), move)


def _mount_vfs(container: ContainerLayout, lowers: Lowers, mapping: IdMap | None, _move: Move) -> None:
    from ...rootfs import vfs

    vfs.mount(container, lowers, mapping)
