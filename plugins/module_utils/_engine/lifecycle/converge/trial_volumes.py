# SPDX-License-Identifier: GPL-3.0-or-later
"""Try to mount the volumes of a replacement, briefly, before the running container is touched."""

from __future__ import annotations

from ...errors import EngineError
from ...model.engine.record import ContainerRecord
from ...model.mounts.mount import VOLUME
from ...state import volumes
from ..core.engine import Engine
from ..resources.volume_open import opened


def try_volumes(engine: Engine, to_come: ContainerRecord, old: ContainerRecord) -> None:
    """Raise MountFailed for a volume whose own file system can't be mounted; skip those already mounted."""
    names = {mount.source for mount in to_come.mounts.values() if mount.kind == VOLUME and mount.source}
    for name in sorted(names):
        with engine.database.reading() as connection:
            volume = volumes.get(connection, name)
        if volume is None or not volume.spec.driver_options.is_mounted_apart:
            continue
        try:
            with engine.lock_volume(name, f"try to mount volume {name}"), opened(engine, volume):
                pass
        except EngineError as error:
            error.remedy = f"{old.name} is unchanged and still runs. {error.remedy}".strip()
            raise
