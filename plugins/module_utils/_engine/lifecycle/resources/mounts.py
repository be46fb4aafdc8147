# SPDX-License-Identifier: GPL-3.0-or-later
"""Hold the mounts that are a container's own: its run files, its /dev/shm, and what the engine mounts for the runtime to bind."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from ...model.container import namespaces
from ...model.container.spec import ContainerSpec
from ...model.engine.record import ContainerRecord
from ...rootfs import ownfiles, shm
from ..core.engine import Engine
from ..core.facts import save
from ..core.source import Source
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

    def check(
        self, engine: Engine, spec: ContainerSpec, source: Source, _record: ContainerRecord | None
    ) -> Iterator[Callable[[], object]]:
        from ...plan.prepared import prepared

        # Of a root file system that is not there yet nobody knows its users, nor their ids.
        known = source.is_known(spec) or spec.userns is None
        if prepared((spec.mounts or {}).values()) and known:
            from . import id_mapping, prepared_checks

            yield lambda: prepared_checks.check(
                engine, spec, source, id_mapping.foresee(engine, spec, source)
            )

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
