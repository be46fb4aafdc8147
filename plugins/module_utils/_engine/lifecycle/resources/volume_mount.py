# SPDX-License-Identifier: GPL-3.0-or-later
"""Mount a volume's own file system while a running container, a task or a user's setting needs it.

The need is determined each time, under the volume's lock (volume_facts.py).
"""

from __future__ import annotations

import os
from contextlib import suppress

from ...errors import EngineError
from ...kernel.locks import lock
from ...model.engine.record import ContainerRecord
from ...model.volume.spec import VolumeRecord
from ...state import volumes
from ...volumes import filesystem
from ..core.engine import LAST, Engine
from .volume_facts import is_mounted, living, mounted_names


def mount_for(engine: Engine, volume: VolumeRecord, record: ContainerRecord) -> None:
    """Mount a volume for a container that starts, with its lock held and its intent saved.

    Raises what ``filesystem.mount`` raises.
    """
    with engine.lock_volume(volume.spec.name, f"mount for {record.name}"):
        ensure(engine, volume)


def unmount_for(engine: Engine, volume: VolumeRecord, record: ContainerRecord) -> None:
    """Unmount a volume of a container that has exited, unless it is needed; the container's lock is held."""
    name = volume.spec.name
    if is_mounted(engine, name):
        with engine.lock_volume(name, f"unmount for {record.name}"):
            give_back(engine, name, besides=record.id)


def mount_again(engine: Engine, name: str) -> None:
    """Mount a volume after a boot if its user wants it mounted."""
    with engine.lock_volume(name, "mount"):
        with engine.database.reading() as connection:
            volume = volumes.get(connection, name)
        if volume is not None and volume.mounted:
            ensure(engine, volume)


def ensure(engine: Engine, record: VolumeRecord) -> None:
    """Mount the volume's own file system unless it is mounted; its lock is held."""
    name, options = record.spec.name, record.spec.driver_options
    if options.is_mounted_apart and not is_mounted(engine, name):
        with engine.timings.of("volume_mount"):
            filesystem.mount(options, engine.layout.volume_data(name), name=name)
    if options.is_mounted_apart and record.needs_copy_up:
        from ...volumes import copyup_stage

        copyup_stage.mend(
            engine.layout.volume(name)
        )  # finish a killed copy-up before anything reads the volume


def give_back(engine: Engine, name: str, *, besides: str = "") -> None:
    """Unmount the volume unless it is needed by more than the container ``besides``; its lock is held."""
    with engine.database.reading() as connection:
        record = volumes.get(connection, name)
        needed = record is None or record.mounted or living(connection, name, besides=besides)
    if record is not None and not needed:
        release(engine, record)


def release(engine: Engine, record: VolumeRecord) -> None:
    """Unmount it even if it is needed; its lock is held."""
    if is_mounted(engine, record.spec.name):
        with engine.timings.of("volume_unmount"):
            filesystem.unmount(record.spec.driver_options, engine.layout.volume_data(record.spec.name))


def sweep_mounts(engine: Engine) -> None:
    """Unmount volumes that nothing needs: a task that was killed while it accessed one left it mounted."""
    for name in mounted_names(engine):
        path = engine.layout.lock("volume", name)
        # A volume whose lock is held is left to its holder; what cannot be unmounted now is left to the next sweep.
        with suppress(EngineError, OSError), lock(path, timeout=0, what="sweep", rank=LAST):
            try:
                give_back(engine, name)
            finally:
                os.unlink(path)
