# SPDX-License-Identifier: GPL-3.0-or-later
"""Mount a volume's own file system while somebody needs it: containers that live, a task, a user's wish.

Who needs it is read from facts each time (processes, intents, mountinfo), under the volume's lock: a counter, as libpod has it,
would be wrong for ever after one crash.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress

from ..errors import EngineError, LockTimeout
from ..kernel import mountinfo
from ..kernel.locks import lock
from ..model.record import ContainerRecord
from ..model.volume import VolumeRecord
from ..state import containers, volumes
from ..volumes import filesystem
from .engine import LAST, Engine
from .facts import alive

#: What begins with mounts. A container with such an intent is about to live, or was killed at it, and then gives its volumes
#: back when it is mended.
_BEGINNING = ("start", "restore")


def mount_for(engine: Engine, volume: VolumeRecord, record: ContainerRecord) -> None:
    """Mount a volume for a container that begins; its lock is held, its intent saved. Raises as ``filesystem.mount``."""
    with engine.lock_volume(volume.spec.name, f"mount for {record.name}"):
        ensure(engine, volume)


def unmount_for(engine: Engine, volume: VolumeRecord, record: ContainerRecord) -> None:
    """Unmount a volume for a container that has ended, unless somebody else needs it; the container's lock is held."""
    name = volume.spec.name
    if is_mounted(engine, name):
        with engine.lock_volume(name, f"unmount for {record.name}"):
            give_back(engine, name, besides=record.id)


def ensure(engine: Engine, record: VolumeRecord) -> bool:
    """Mount the volume's own file system unless it is mounted; tell whether it had to be. The volume's lock is held."""
    options = record.spec.driver_options
    data = engine.layout.volume_data(record.spec.name)
    if not options.is_mounted_apart or filesystem.is_mounted(data):
        return False
    with engine.timings.of("mount_volume"):
        filesystem.mount(options, data, name=record.spec.name)
    return True


def give_back(engine: Engine, name: str, *, besides: str = "") -> bool:
    """Unmount the volume unless somebody needs it, ``besides`` this container; tell whether it was. Its lock is held."""
    with engine.database.reading() as connection:
        record = volumes.get(connection, name)
    if record is None or record.mounted or users(engine, name, besides=besides):
        return False
    return release(engine, record)


def release(engine: Engine, record: VolumeRecord) -> bool:
    """Unmount it, whoever needs it; tell whether it was mounted."""
    data = engine.layout.volume_data(record.spec.name)
    if not filesystem.is_mounted(data):
        return False
    with engine.timings.of("unmount_volume"):
        filesystem.unmount(record.spec.driver_options, data)
    return True


def users(engine: Engine, name: str, *, besides: str = "") -> list[str]:
    """Return the names of the containers that live, or are about to, with this volume."""
    with engine.database.reading() as connection:
        found = [containers.get(connection, number) for number, _name in volumes.users(connection, name)]
    return [one.name for one in found if one is not None and one.id != besides and _needs(one)]


def _needs(record: ContainerRecord) -> bool:
    return record.intent in _BEGINNING or alive(record.process) is not None


def is_mounted(engine: Engine, name: str) -> bool:
    """Tell whether a file system is mounted on the volume's data."""
    return filesystem.is_mounted(engine.layout.volume_data(name))


def sweep_mounts(engine: Engine) -> None:
    """Unmount volumes that nobody needs: who was killed while a task looked into one left it so."""
    for name in mounted_names(engine):
        path = engine.layout.lock("volume", name)
        # Held: whoever does so knows whether it is needed. What can't be unmounted now is tried again by the next.
        with suppress(LockTimeout, EngineError, OSError), lock(path, timeout=0, what="sweep", rank=LAST):
            try:
                give_back(engine, name)
            finally:
                os.unlink(path)


def mounted_names(engine: Engine) -> Iterator[str]:
    """Yield the names of the volumes on whose data something is mounted."""
    top = os.path.realpath(engine.layout.volumes)
    for entry in mountinfo.below(top):
        name, _slash, rest = entry.target.removeprefix(f"{top}/").partition("/")
        if rest == "data":
            yield name
