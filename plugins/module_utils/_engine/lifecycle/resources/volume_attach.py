# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes with their own file systems as a resource; their code is loaded only when a container has one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from ...errors import NotFound
from ...model.container.spec import ContainerSpec
from ...model.engine.record import ContainerRecord
from ...model.mounts.mount import VOLUME, Mount
from ...model.values.names import near
from ...model.volume.spec import VolumeRecord
from ...state import volumes
from ..core.engine import Engine
from .contract import Resource, Run

if TYPE_CHECKING:
    from ..core.source import Source


class _Volumes(Resource):
    """The volumes' own file systems: mounted by the first container that needs one, unmounted by the last."""

    name, step, shared = "volumes", "mount_volumes", True

    def check(
        self, engine: Engine, spec: ContainerSpec, _source: Source, _record: ContainerRecord | None
    ) -> Iterator[Callable[[], object]]:
        mounts = [mount for mount in (spec.mounts or {}).values() if mount.kind == VOLUME]
        for mount in mounts:
            if "nocreate" in mount.options:
                yield partial(_check_there, engine, mount)
        if mounts:
            yield lambda: _check_options(engine, sorted({mount.source for mount in mounts}))

    def acquire(self, engine: Engine, run: Run) -> Run:
        """Mount them in the order of their names; the container's intent is saved.

        Raises MountFailed and what a lock raises.
        """
        own = own_volumes(engine, run.record)
        if own:
            from .volume_mount import mount_for

            for volume in own:
                mount_for(engine, volume, run.record)
        return run

    def release(self, engine: Engine, record: ContainerRecord) -> None:
        """Unmount those that nothing else needs."""
        own = own_volumes(engine, record)
        if own:
            from .volume_mount import unmount_for

            for volume in own:
                unmount_for(engine, volume, record)

    def observe(self, engine: Engine, record: ContainerRecord) -> bool:
        """Return whether one of them is mounted and the container needs it."""
        own = own_volumes(engine, record)
        if not own:
            return False
        from .volume_facts import is_mounted, needs

        return needs(record) and any(is_mounted(engine, volume.spec.name) for volume in own)


VOLUMES = _Volumes()


def own_volumes(engine: Engine, record: ContainerRecord) -> list[VolumeRecord]:
    """Return the container's volumes that have a file system of their own, sorted by name."""
    if not record.volumes:
        return []
    with engine.database.reading() as connection:
        found = [volumes.get(connection, name) for name in sorted({*record.volumes.values()})]
    return [one for one in found if one is not None and one.spec.driver_options.is_mounted_apart]


def _check_there(engine: Engine, mount: Mount) -> None:
    with engine.database.reading() as connection:
        known = volumes.names(connection)
    if mount.source not in known:
        raise NotFound(
            "volume",
            mount.source,
            near=near(mount.source, known),
            remedy="Create it first with module volume, or omit nocreate",
        )


def _check_options(engine: Engine, names: Sequence[str]) -> None:
    with engine.database.reading() as connection:
        known = [volumes.get(connection, name) for name in names]
    for volume in known:
        if volume is not None and volume.spec.options:
            from .volume_options import check

            check(engine, volume.spec.name, volume.spec.driver_options)
