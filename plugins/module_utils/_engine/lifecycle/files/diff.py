# SPDX-License-Identifier: GPL-3.0-or-later
"""List the paths of a container that differ from its image, without writing or locking (podman-diff(1))."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ...errors import WrongState
from ...kernel.private_mounts import apart
from ...model.engine.layout import ContainerLayout
from ...model.engine.record import ContainerRecord
from ...model.engine.storage_drivers import OVERLAY, VFS
from ...rootfs import overlay, vfs_changes, view
from ...rootfs.changes import ADDED, CHANGED, DELETED, PathChange, changes
from ...trees import compare
from ..core.engine import Engine
from ..core.lookup import find
from ..core.origin import source_of

#: Paths that every start creates; podman omits them as well (libpod, ``containerMounts``).
OF_EVERY_START = frozenset(
    "/dev /etc/hostname /etc/hosts /etc/localtime /etc/mtab /etc/resolv.conf /proc /run /run/.containerenv /run/notify"
    " /run/secrets /sys".split()
)

_KINDS = {compare.ADDED: ADDED, compare.CHANGED: CHANGED, compare.DELETED: DELETED}


def changed_paths(engine: Engine, name: str) -> list[PathChange]:
    """Return the paths that the container has added, changed and deleted.

    Raises NotFound, WrongState, and what mounting raises.
    """
    record = find(engine, name)
    if record.spec.rootfs:
        raise WrongState(
            f"container {record.name} runs on a directory of the host, so there is no image to compare it with",
            remedy="Keep a copy of the directory, and compare with that",
            name=record.name,
        )
    container = engine.layout.container(record.id)
    if record.driver != VFS and not os.path.isdir(container.upper):  # it was never started
        return []
    lowers = source_of(engine, record).lowers[::-1]
    if record.driver != OVERLAY:
        return _compared(engine, record, lowers)
    return apart(lambda: _changes(container, lowers, engine.layout.staging))


def _compared(engine: Engine, record: ContainerRecord, lowers: tuple[str, ...]) -> list[PathChange]:
    """Compare all files with the image: vfs has no upper layer, and fuse-overlayfs has its own markers."""
    container = engine.layout.container(record.id)
    seen = view.open_container(container, lowers, engine.layout.staging, driver=record.driver)
    try:
        found = vfs_changes.differences(seen.fd, lowers, record.mapping if seen.written else None)
        compared = [PathChange(f"/{change.path}", _KINDS[change.kind]) for change in found]
    finally:
        os.close(seen.fd)
    return [item for item in compared if item.path not in OF_EVERY_START]


def _changes(container: ContainerLayout, lowers: Sequence[str], scratch: str) -> list[PathChange]:
    place = container.elsewhere(view.cover(scratch))
    overlay.mount_image(place, lowers)
    return [item for item in changes(container.upper, place.merged) if item.path not in OF_EVERY_START]
