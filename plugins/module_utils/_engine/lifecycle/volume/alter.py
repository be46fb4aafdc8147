# SPDX-License-Identifier: GPL-3.0-or-later
"""Alter a volume that is there: its record, its root's owner and mode, its quota. Its data is not touched."""

from __future__ import annotations

from ...model.volume.spec import VolumeRecord
from ...state import volumes
from ...volumes import filesystem
from ..core.engine import Engine
from ..core.sidecars import keep_volume
from ..resources.volume import get_volume
from ..resources.volume_facts import is_mounted

_OWNER = ("uid", "gid", "mode")
_QUOTA = ("size", "inodes")


def alter(engine: Engine, record: VolumeRecord) -> None:
    """Carry it out, then save it, so that a killed one is done again; the volume's lock is held."""
    before = get_volume(engine, record.spec.name)
    if before is None:
        return
    old, new = before.spec.options, record.spec.options
    if any(old.get(key) != new.get(key) for key in _QUOTA):
        _limit(engine, record)
    if any(old.get(key) != new.get(key) for key in _OWNER):
        _give(engine, record)
    with engine.database.transaction() as connection:
        volumes.update(connection, record)
    keep_volume(engine, record.spec.name)
    engine.tell("volume", "update", record.spec.name, record.spec.name)


def _limit(engine: Engine, record: VolumeRecord) -> None:
    from ...volumes import quota

    options = record.spec.driver_options
    volume = engine.layout.volume(record.spec.name)
    if options.has_quota or quota.usage(volume) is not None:
        quota.limit(volume, options.size, options.inodes)


def _give(engine: Engine, record: VolumeRecord) -> None:
    """Give the root its owner and mode; what is not mounted now gets them when it is."""
    options, name = record.spec.driver_options, record.spec.name
    if is_mounted(engine, name) or not options.is_mounted_apart:
        filesystem.give(engine.layout.volume_data(name), options)
