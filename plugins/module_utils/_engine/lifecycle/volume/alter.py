# SPDX-License-Identifier: GPL-3.0-or-later
"""Change an existing volume: its record, its root's owner and mode, its quota. The data is not touched."""

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
    """Apply the changes, then save the record, so that a killed change is repeated.

    The caller holds the volume's lock.
    """
    before = get_volume(engine, record.spec.name)
    if before is None:
        return
    old, new = before.spec.options, record.spec.options
    if any(old.get(key) != new.get(key) for key in _QUOTA):
        _set_quota(engine, record)
    if any(old.get(key) != new.get(key) for key in _OWNER):
        _set_owner(engine, record)
    with engine.database.transaction() as connection:
        volumes.update(connection, record)
    keep_volume(engine, record.spec.name)
    engine.tell("volume", "update", record.spec.name, record.spec.name)


def _set_quota(engine: Engine, record: VolumeRecord) -> None:
    from ...volumes import quota

    options = record.spec.driver_options
    volume = engine.layout.volume(record.spec.name)
    if options.has_quota or quota.usage(volume) is not None:
        quota.limit(volume, options.size, options.inodes)


def _set_owner(engine: Engine, record: VolumeRecord) -> None:
    """Set the root's owner and mode; an unmounted file system gets them when it is mounted."""
    options, name = record.spec.driver_options, record.spec.name
    if is_mounted(engine, name) or not options.is_mounted_apart:
        filesystem.give(engine.layout.volume_data(name), options)
