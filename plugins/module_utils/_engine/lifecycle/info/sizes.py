# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure a container's disk use: its image's layers, and its own files (seed: rootFsSize, rwSize)."""

from __future__ import annotations

import os
import stat

from ...kernel.files import directory
from ...model.engine.record import ContainerRecord, ImageRecord
from ...model.engine.storage_drivers import VFS
from ...trees.cursor import identity, walk
from ..core.engine import Engine


def sizes(engine: Engine, record: ContainerRecord, image: ImageRecord | None) -> dict[str, int]:
    """Return ``SizeRootFs`` (the image's layers) and ``SizeRw`` in bytes, as ``podman inspect --size`` does.

    A plain root file system has no layers: all of it counts as the container's own, as in the seed. With driver vfs, the
    container's own files are those that differ from the image's (trees/compare.py).
    """
    layers = sum(layer.size for layer in image.layers) if image else 0
    if record.driver == VFS and not record.spec.rootfs:
        return {"SizeRootFs": layers, "SizeRw": _copy_size(engine, record, image)}
    own = record.spec.image if record.spec.rootfs else engine.layout.container(record.id).upper
    return {"SizeRootFs": layers, "SizeRw": tree_size(own)}


def tree_size(path: str) -> int:
    """Return the bytes of the regular files below a path; hard links count once, a missing path is 0."""
    if not os.path.isdir(path):
        return 0
    with directory(path) as root:
        files = (
            (identity(info), info.st_size)
            for _parent, _name, info in walk(root)
            if stat.S_ISREG(info.st_mode)
        )
        return sum(dict(files).values())


def _copy_size(engine: Engine, record: ContainerRecord, image: ImageRecord | None) -> int:
    """Return the bytes of the files that differ from the image in a copy of it."""
    from ...rootfs import vfs_changes
    from ..core.source import Source

    container = engine.layout.container(record.id)
    found = vfs_changes.changes(container, Source.of(image, engine.layout).lowers[::-1], record.mapping)
    files = (info for _kind, _path, info in found if info is not None and stat.S_ISREG(info.st_mode))
    return sum({identity(info): info.st_size for info in files}.values())
