# SPDX-License-Identifier: GPL-3.0-or-later
"""Create, update and remove one volume, its row and directory, so that a later task finds the remains of a killed one."""

from __future__ import annotations

import sqlite3

from ...errors import EngineError, InUse
from ...frozen import replace
from ...model.volume.spec import VolumeRecord
from ...state import volumes
from ...volumes import directory
from ..core.engine import Engine
from ..core.sidecars import forget_volume, keep_volume


def ensure(engine: Engine, record: VolumeRecord) -> bool:
    """Save the volume's record, then create its directory if it has none; return whether the volume is new.

    The row comes first, so that the directory is always found. A new volume that cannot be completed is removed.
    """
    name = record.spec.name
    with engine.lock_volume(name, "create"):
        is_new = get_volume(engine, name) is None
        try:
            ensure_held(engine, record)
        except (EngineError, OSError):
            if is_new:
                discard_held(engine, name)
            raise
        return is_new


def ensure_held(engine: Engine, record: VolumeRecord) -> None:
    """Do the work of ``ensure`` with the volume's lock held."""
    name = record.spec.name
    with engine.timings.of("volume_create"):
        known = get_volume(engine, name)
        if known is not None and known.removing:
            _finish_removal(engine, name)
            known = None
        with engine.database.transaction() as connection:
            (volumes.insert if known is None else volumes.update)(connection, record)
        make(engine, record)
        keep_volume(engine, name)
    engine.tell("volume", "create" if known is None else "update", name, name)


def make(engine: Engine, record: VolumeRecord) -> None:
    """Create the volume's directory with owner, mode and quota, unless it exists."""
    options, name = record.spec.driver_options, record.spec.name
    if directory.is_made(engine.layout.volumes, name):
        return
    if options.has_quota:  # before there is any data to limit
        from ...volumes import quota

        quota.limit(engine.layout.volume(name), options.size, options.inodes)
    own = options.is_mounted_apart  # then the owner applies to the root of the mount
    owner = {} if own else {"uid": options.uid, "gid": options.gid, "mode": options.mode}
    directory.create(engine.layout.volumes, name, **owner)
    keep_volume(engine, name)


def discard(engine: Engine, name: str) -> None:
    """Remove a volume and its data. Raises InUse.

    It is marked first, so that the next call finishes a killed removal.
    """
    with engine.lock_volume(name, "remove"):
        discard_held(engine, name)


def discard_held(engine: Engine, name: str) -> None:
    """Do the work of ``discard`` with the volume's lock held."""
    with engine.timings.of("volume_remove"):
        with engine.database.transaction() as connection:
            record = volumes.get(connection, name)
            if record is None:
                return
            refuse_users(name, users_of(connection, name))
            volumes.update(connection, replace(record, removing=True))
        _finish_removal(engine, name)
    engine.tell("volume", "remove", name, name)


def _finish_removal(engine: Engine, name: str) -> None:
    """Delete the data, then the row that is marked; the content of a device or server is kept."""
    record = get_volume(engine, name)
    if record is not None and record.spec.driver_options.is_mounted_apart:
        from .volume_mount import release

        release(engine, record)
    directory.remove(engine.layout.volumes, name, trash=engine.layout.staging)
    forget_volume(engine, name)
    with engine.database.transaction() as connection:
        volumes.delete(connection, name)


def get_volume(engine: Engine, name: str) -> VolumeRecord | None:
    """Return the record of a volume, or None if there is none."""
    with engine.database.reading() as connection:
        return volumes.get(connection, name)


def users_of(connection: sqlite3.Connection, name: str) -> list[str]:
    """Return the names of the containers that use the volume."""
    return [user for _id, user in volumes.users(connection, name)]


def refuse_users(name: str, users: list[str]) -> None:
    """Raise InUse if any container uses the volume."""
    if users:
        raise InUse(
            f"volume {name} is used by {', '.join(users)}",
            remedy="Remove these containers first",
            name=name,
            users=users,
        )
