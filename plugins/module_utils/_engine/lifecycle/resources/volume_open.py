# SPDX-License-Identifier: GPL-3.0-or-later
"""Access a volume's content on the host, whether a container uses it or not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ...model.volume.spec import VolumeRecord
from ..core.engine import Engine


@contextmanager
def opened(engine: Engine, record: VolumeRecord) -> Iterator[str]:
    """Yield the host path of the volume's content; the caller holds the volume's lock.

    The volume's own file system, if any, is mounted meanwhile. Raises MountFailed.
    """
    path = engine.layout.volume_data(record.spec.name)
    if not record.spec.driver_options.is_mounted_apart:
        if record.needs_copy_up and not engine.predicting:
            from ...volumes import copyup_stage

            copyup_stage.mend_shared(engine.layout.volume(record.spec.name))
        yield path
        return
    from . import volume_mount

    volume_mount.ensure(engine, record)
    try:
        yield path
    finally:
        volume_mount.give_back(engine, record.spec.name)
