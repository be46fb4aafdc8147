# SPDX-License-Identifier: GPL-3.0-or-later
"""Copy the image's content into fresh volumes: copy-up (seed: mountNamedVolume, fixVolumePermissions)."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Any

from ...frozen import replace
from ...model.engine.record import ContainerRecord, Event
from ...model.mounts.mount import VOLUME, Mount
from ...model.values.idmap import IdMap
from ...model.volume.spec import Place, Populated, VolumeRecord
from ...plan.prepared_mounts import owner, shift
from ...state import events, volumes
from ...volumes import copyup_stage
from ...volumes.copyup import CopyUp, Part, copy_up
from ..core.engine import Engine
from ..core.origin import source_of
from ..core.sidecars import keep_volume
from ..core.source import Source
from ..resources.accounts import user_of
from ..resources.volume_facts import living
from ..resources.volume_open import opened
from .replace import mend


def populate(engine: Engine, record: ContainerRecord, rootfs: str) -> None:
    """Copy up into each of the container's volumes that still needs it, in order of name."""
    for name in sorted({*record.volumes.values()}):
        mend(engine, name)
        volume = _wanted(engine, name)
        if volume is not None and may_fill(engine, volume):
            _populate(engine, name, record, rootfs)


def may_fill(engine: Engine, volume: VolumeRecord) -> bool:
    """Return whether a volume may need copy-up; takes no lock, as most volumes have data already."""
    path = engine.layout.volume(volume.spec.name)
    if not volume.needs_copy_up:
        return False
    return volume.needs_chown or copyup_stage.is_fresh(path) or copyup_stage.is_half_way(path)


def _populate(engine: Engine, name: str, record: ContainerRecord, rootfs: str) -> None:
    """Copy up once: the first process to lock the volume copies, the next finds it done.

    As long as nothing was copied and the volume is empty, each start tries again: the first image may have had nothing
    at that path. The root's owner is set at the first attach only, also with ``nocopy``, as in libpod.

    The record is marked after the copy, not before it as in libpod: the copy is all or nothing and never touches a volume
    that is not empty, so a kill between the two only costs another check.
    """
    with engine.lock_volume(name, f"copy-up for {record.name}"):
        volume = _wanted(engine, name)
        if volume is None:
            return
        parts = parts_of(engine, volume, record, rootfs)
        if not _fill(engine, volume, record, rootfs, parts) and volume.needs_chown:
            _mark_attached(engine, name)


def _fill(
    engine: Engine, volume: VolumeRecord, record: ContainerRecord, rootfs: str, parts: Sequence[Part]
) -> bool:
    """Copy up and record it; return False when there was nothing to copy."""
    done = fill_empty(engine, volume, rootfs, parts, besides=record.id)
    return mark_copied(engine, volume, record, parts, done)


def mark_copied(
    engine: Engine,
    volume: VolumeRecord,
    record: ContainerRecord,
    parts: Sequence[Part],
    done: CopyUp | None,
) -> bool:
    """Record what was copied into the volume for a container; return False when there was nothing to copy."""
    if done is None or not done.entries:
        return False
    image = record.image_id or record.spec.image
    mark(engine, volume.spec.name, populated(image, parts, done, record.mapping))
    return True


def fill_empty(
    engine: Engine, volume: VolumeRecord, rootfs: str, parts: Sequence[Part], *, besides: str = ""
) -> CopyUp | None:
    """Copy up into the volume if it is empty; the caller holds its lock.

    ``besides`` is the id of the container that it is filled for.
    """
    with opened(engine, volume) as data:
        with engine.database.reading() as connection:
            shared = bool(living(connection, volume.spec.name, besides=besides))
        return copy_up(
            rootfs=rootfs,
            parts=parts,
            volume=os.path.dirname(data),
            keep_root=has_owner(volume) or not volume.needs_chown,
            shared=shared,
        )


def _wanted(engine: Engine, name: str) -> VolumeRecord | None:
    with engine.database.reading() as connection:
        volume = volumes.get(connection, name)
    return volume if volume is not None and volume.needs_copy_up else None


# -- what to copy ----------------------------------------------------------------------------------


def parts_of(
    engine: Engine, volume: VolumeRecord, record: ContainerRecord, rootfs: str, source: Source | None = None
) -> tuple[Part, ...]:
    """Return the parts of the volume that the container mounts, in order of destination."""
    resolved = user_of(record.spec, source or source_of(engine, record), rootfs)
    user = resolved.uid, resolved.gid
    name = volume.spec.name
    said = record.mounts
    wanted = [
        said.get(destination, Mount(VOLUME, name, destination))  # the image's own volumes are not in the spec
        for destination, mounted in sorted(record.volumes.items())
        if mounted == name
    ]
    copies = volume.spec.driver_options.copy
    return tuple(_part(mount, record.mapping, user, copies=copies) for mount in wanted)


def has_owner(volume: VolumeRecord) -> bool:
    """Return whether the volume's options set its root's owner or mode, which copy-up then leaves alone."""
    options = volume.spec.driver_options
    return any(value is not None for value in (options.uid, options.gid, options.mode))


def _part(mount: Mount, mapping: IdMap | None, user: tuple[int, int], *, copies: bool) -> Part:
    shifted = shift(mount, mapping)
    return Part(
        mount.destination,
        mount.value("subpath") or "",
        content=copies and "nocopy" not in mount.options,
        owners=shifted.inverse() if shifted else None,
        owner=owner(
            user, mapping, shifted
        ),  # without content to copy, the root belongs to the container's user
    )


# -- the record ------------------------------------------------------------------------------------


def populated(
    image: str, parts: Sequence[Part], done: CopyUp | None, mapping: IdMap | None
) -> Populated | None:
    """Return the record of a copy-up, None when nothing was copied; ``mapping`` is the source's id map."""
    if done is None:
        return None
    owners = {(part.destination, part.subpath): _written(part, mapping) for part in parts}
    first, *others = (Place(*place, owners[place]) for place in done.places)
    return Populated(image, first.path, done.entries, done.bytes, time.time_ns(), *first[1:], tuple(others))


def _written(part: Part, mapping: IdMap | None) -> dict[str, Any] | None:
    """Return the map from the image's ids to those on the volume's disk, None when they are equal."""
    maps = [one for one in (mapping, part.owners) if one is not None]
    if not maps:
        return None
    return (maps[0] if len(maps) == 1 else maps[0].then(maps[1])).encode()


def mark(engine: Engine, name: str, populated: Populated | None) -> None:
    """Record that the volume has its content, and from which image; add the event in the same transaction."""
    with engine.database.transaction() as connection:
        volume = volumes.get(connection, name)
        if volume is None:
            return
        kept = populated or volume.populated
        volumes.update(connection, replace(volume, needs_copy_up=False, needs_chown=False, populated=kept))
        if populated is not None:
            told = {"image": populated.image_id, "path": populated.path}
            events.add(connection, Event(time.time_ns(), "volume", "populate", name, name, told))
    keep_volume(engine, name, durable=False)


def _mark_attached(engine: Engine, name: str) -> None:
    """Record that the volume's root has its owner; a copy-up may still follow."""
    with engine.database.transaction() as connection:
        volume = volumes.get(connection, name)
        if volume is not None:
            volumes.update(connection, replace(volume, needs_chown=False))
    keep_volume(engine, name, durable=False)
