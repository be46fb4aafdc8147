# SPDX-License-Identifier: GPL-3.0-or-later
"""Hold the mounts that are a container's own: its run files, its /dev/shm, and what the engine mounts for the runtime to bind."""

from __future__ import annotations

import os

from ...model.container import namespaces
from ...model.engine.record import ContainerRecord
from ...rootfs import ownfiles, shm
from ..core.engine import Engine
from ..core.facts import save
from .contract import Resource, Run


class _Files(Resource):
    """The file system of the files that the engine writes for it (/etc/hosts, ...)."""

    name, step = "files", "mount_files"

    def acquire(self, engine: Engine, run: Run) -> Run:
        ownfiles.mount(engine.layout.container(run.record.id))
        return run

    def release(self, engine: Engine, record: ContainerRecord) -> None:
        ownfiles.unmount(engine.layout.container(record.id))

    def observe(self, engine: Engine, record: ContainerRecord) -> bool:
        return ownfiles.is_mounted(engine.layout.container(record.id))


class _Shm(Resource):
    """Its /dev/shm, unless that is another's, the host's, or not wanted."""

    name, step = "shm", "mount_shm"

    def acquire(self, engine: Engine, run: Run) -> Run:
        spec = run.record.spec
        if run.shared.shm is None and spec.ipc != namespaces.NONE:
            shm.mount_shm(engine.layout.container(run.record.id), spec.shm_size, run.record.mapping)
        return run

    def release(self, engine: Engine, record: ContainerRecord) -> None:
        shm.unmount_shm(engine.layout.container(record.id))

    def observe(self, engine: Engine, record: ContainerRecord) -> bool:
        return shm.is_mounted(engine.layout.container(record.id))


class _Mounts(Resource):
    """Mounts that the OCI runtime can't make (prepared_mounts.py); most containers have none."""

    name, step = "mounts", "prepare_mounts"

    def acquire(self, engine: Engine, run: Run) -> Run:
        from ...plan.prepared import prepared

        record = run.record
        if not prepared(record.mounts.values()):
            return run
        from .prepared_mounts import prepare

        made = prepare(engine, record, run.source, run.rootfs)
        if made.given != record.given:
            record = save(engine, record, given=made.given)
        return run._replace(record=record, prepared=made.paths)

    def release(self, engine: Engine, record: ContainerRecord) -> None:
        if self.observe(engine, record):
            from ...rootfs import prepared

            prepared.unmount(engine.layout.container(record.id))

    def observe(self, engine: Engine, record: ContainerRecord) -> bool:
        container = engine.layout.container(record.id)
        return os.path.isdir(container.mounts) or os.path.isdir(container.overlays)

    def refresh(self, engine: Engine, record: ContainerRecord) -> None:
        """Remove what overlays of the engine's own have written: it goes with the run, and lies where a reboot leaves it."""
        if not self.observe(engine, record):
            return
        from ...rootfs import prepared

        prepared.unmount(engine.layout.container(record.id))


FILES, SHM, MOUNTS = _Files(), _Shm(), _Mounts()
