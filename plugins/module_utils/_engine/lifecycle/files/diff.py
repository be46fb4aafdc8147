# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell which paths of a container differ from its image (podman-diff(1)); nothing is written, and nothing is locked."""

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

#: What every container gets at its start; podman leaves these out as well (libpod, ``containerMounts``).
OF_EVERY_START = frozenset(
    "/dev /etc/hostname /etc/hosts /etc/localtime /etc/mtab /etc/resolv.conf /proc /run /run/.containerenv /run/notify"
    " /run/secrets /sys".split()
)

_KINDS = {compare.ADDED: ADDED, compare.CHANGED: CHANGED, compare.DELETED: DELETED}


def changed_paths(engine: Engine, name: str) -> list[PathChange]:
    """Return what the container has added, changed and deleted, by path; raises NotFound, WrongState, and what mounting does."""
    record = find(engine, name)
    if record.spec.rootfs:
        raise WrongState(
            f"container {record.name} stands on a plain directory: there is no image to compare it with",
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
    """Compare all of it with the image: a copy has no layer of its own, and the marks of fuse-overlayfs are its own affair."""
    container = engine.layout.container(record.id)
    seen = view.open_container(container, lowers, engine.layout.staging, driver=record.driver)
    try:
        found = vfs_changes.differences(seen.fd, lowers, record.mapping if seen.written else None)
        told = [PathChange(f"/{change.path}", _KINDS[change.kind]) for change in found]
    finally:
        os.close(seen.fd)
    return [item for item in told if item.path not in OF_EVERY_START]


def _changes(container: ContainerLayout, lowers: Sequence[str], scratch: str) -> list[PathChange]:
    place = container.elsewhere(view.cover(scratch))
    overlay.mount_image(place, lowers)
    return [item for item in changes(container.upper, place.merged) if item.path not in OF_EVERY_START]
