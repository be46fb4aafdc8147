# SPDX-License-Identifier: GPL-3.0-or-later
"""Fill fresh volumes with what the image has at their destination (seed: mountNamedVolume, copyWithTarFromImage)."""

from __future__ import annotations

import os
import time
from dataclasses import replace

from ..model.idmap import IdMap
from ..model.record import ContainerRecord
from ..model.volume import Populated, VolumeRecord
from ..state import volumes
from ..volumes.copyup import CopyUp, copy_up
from .engine import Engine
from .replacing import mend


def populate(engine: Engine, record: ContainerRecord, rootfs: str) -> None:
    """Copy up into each of the container's volumes that nothing was attached to before, volumes in order of name."""
    mounts = record.mounts
    for destination, name in sorted(record.volumes.items(), key=lambda item: item[1]):
        mend(engine, name)
        copied = "nocopy" not in mounts[destination].options
        _populate(engine, record, rootfs if copied else None, destination, name)


def _populate(
    engine: Engine, record: ContainerRecord, rootfs: str | None, destination: str, name: str
) -> None:
    """Copy once: whoever holds the volume's lock first does it, the next one finds it done.

    ``rootfs`` None: this mount says ``nocopy``. It is the first attach all the same, after which the volume's directory may
    not be exchanged any more: a running container has it.

    The record is marked after the copy, not before as libpod does: the copy itself is all or nothing and never touches
    a volume that holds anything, so a kill between the two only means looking once more.
    """
    if not _wanted(engine, name):
        return
    with engine.lock_volume(name, f"copy-up for {record.name}"):
        if not _wanted(engine, name):
            return
        volume = engine.layout.volume(name)
        done = copy_up(rootfs=rootfs, destination=destination, volume=volume) if rootfs else None
        if done is None and record.mapping is not None:
            _give(f"{volume}/data", record.mapping)
        _mark(engine, name, _populated(record, destination, done) if done else None)


def _give(data: str, mapping: IdMap) -> None:
    """Give a volume that nobody has used yet to the root of the container's user namespace (libpod, fixVolumePermissions)."""
    seen = os.stat(data)
    if (seen.st_uid, seen.st_gid) == (0, 0) and not os.listdir(data):
        os.chown(data, *mapping.root)


def _wanted(engine: Engine, name: str) -> bool:
    volume = _get(engine, name)
    return volume is not None and volume.needs_copy_up


def _get(engine: Engine, name: str) -> VolumeRecord | None:
    with engine.database.reading() as connection:
        return volumes.get(connection, name)


def _populated(record: ContainerRecord, destination: str, done: CopyUp) -> Populated:
    return Populated(
        record.image_id or record.spec.image, destination, done.entries, done.bytes, time.time_ns()
    )


def _mark(engine: Engine, name: str, populated: Populated | None) -> None:
    with engine.database.transaction() as connection:
        volume = volumes.get(connection, name)
        if volume is not None:
            volumes.update(connection, replace(volume, needs_copy_up=False, populated=populated))
