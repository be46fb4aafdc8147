# SPDX-License-Identifier: GPL-3.0-or-later
"""Prediction of a container that does not exist yet: its unsaved record, and what its mounts show now."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple, Optional

from ...model.container.spec import ContainerSpec
from ...model.engine.record import ContainerRecord
from ...model.mounts.mount import BIND, IMAGE, SHOWN, Mount
from ...model.values.names import new_id
from ...model.volume.spec import VolumeRecord
from ..container.create import volumes_of
from ..core.engine import Engine
from ..core.source import Source, lowers_of
from ..resources import id_mapping
from ..resources.implied_mounts import implied_mounts
from ..resources.volume import get_volume


class Shown(NamedTuple):
    """What a mount shows: a path on the host, or an image's layers; ``filled``: the image's content there.

    Without any of these, it is unknown before the start.
    """

    mount: Mount
    path: Optional[str] = None
    lowers: tuple[str, ...] = ()
    filled: bool = False


def record_to_come(
    engine: Engine,
    spec: ContainerSpec,
    source: Source,
    old: ContainerRecord | None,
    *,
    carried: Mapping[str, str] = MappingProxyType({}),
) -> ContainerRecord:
    """Return the record of a new container that replaces ``old``; ``carried`` is as in ``create``."""
    with engine.database.reading() as connection:
        implied = implied_mounts(connection, spec, source)
        ids = id_mapping.decide(connection, spec, source, old.mapping if old else None)
    return ContainerRecord(
        id=new_id(),
        spec=spec,
        created=time.time_ns(),
        image_id=source.image.id if source.image else None,
        implied=implied,
        volumes=volumes_of(spec, source, implied, carried),
        mapping=ids,
    )


def shown(engine: Engine, record: ContainerRecord, source: Source) -> dict[str, Shown]:
    """Return by destination what the container's mounts show now."""
    mounts = (mount for mount in record.mounts.values() if mount.kind in SHOWN)
    return {mount.destination: _shown(engine, record, source, mount) for mount in mounts}


def _shown(engine: Engine, record: ContainerRecord, source: Source, mount: Mount) -> Shown:
    if mount.kind == BIND:
        return Shown(mount, mount.source)
    if mount.kind == IMAGE:
        image = source.mounted.get(mount.destination)
        return Shown(mount, lowers=lowers_of(image, engine.layout)[::-1] if image else ())
    name = record.volumes[mount.destination]
    volume, data = get_volume(engine, name), engine.layout.volume_data(name)
    if volume is not None and volume.spec.driver_options.is_mounted_apart and not os.path.ismount(data):
        return Shown(mount)
    if volume is not None and os.path.isdir(data) and not _is_to_be_filled(volume, data):
        return Shown(mount, data)
    return Shown(mount, filled="nocopy" not in mount.options)


def _is_to_be_filled(volume: VolumeRecord, data: str) -> bool:
    return volume.needs_copy_up and not os.listdir(data)
