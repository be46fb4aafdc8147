# SPDX-License-Identifier: GPL-3.0-or-later
"""The container's own mounts as resources: its run files, /dev/shm, root file system and prepared mounts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ...model.container import namespaces
from ...model.container.spec import ContainerSpec
from ...model.engine.record import ContainerRecord
from ...model.engine.storage_drivers import VFS
from ..core.engine import Engine
from ..inspect import held as shown
from .contract import Known, Resource, Run

if TYPE_CHECKING:
    from ..core.source import Source


class _Files(Resource):
    """The file system of the files that the engine writes for it (/etc/hosts, ...)."""

    name, step = "files", "mount_files"

    def acquire(self, engine: Engine, run: Run) -> Run:
        from ...rootfs import engine_files

        engine_files.mount(engine.layout.container(run.record.id))
        return run

    def release(self, engine: Engine, record: ContainerRecord) -> None:
        from ...rootfs import engine_files

        engine_files.unmount(engine.layout.container(record.id))

    def observe(self, engine: Engine, record: ContainerRecord) -> bool:
        from ...rootfs import engine_files

        return engine_files.is_mounted(engine.layout.container(record.id))

    def inspect(self, known: Known) -> Mapping[str, Any]:
        return shown.files(known.record, known.layout.container(known.record.id))


class _Shm(Resource):
    """Its /dev/shm, unless that is shared with another container or the host, or disabled."""

    name, step = "shm", "mount_shm"

    def acquire(self, engine: Engine, run: Run) -> Run:
        from ...rootfs import shm

        spec = run.record.spec
        if run.shared.shm is None and spec.ipc != namespaces.NONE:
            shm.mount_shm(engine.layout.container(run.record.id), spec.shm_size, run.record.mapping)
        return run

    def release(self, engine: Engine, record: ContainerRecord) -> None:
        from ...rootfs import shm

        shm.unmount_shm(engine.layout.container(record.id))

    def observe(self, engine: Engine, record: ContainerRecord) -> bool:
        from ...rootfs import shm

        return shm.is_mounted(engine.layout.container(record.id))

    def inspect(self, known: Known) -> Mapping[str, Any]:
        return {"HostConfig": {"ShmSize": known.record.spec.shm_size}}


class _Rootfs(Resource):
    """The root file system, unless it is a directory of the host (``rootfs: true``)."""

    name, step = "root file system", "mount_rootfs"

    def check(
        self, engine: Engine, spec: ContainerSpec, _source: Source, record: ContainerRecord | None
    ) -> Iterator[Callable[[], object]]:
        if spec.rootfs:
            from ...rootfs import user_directory

            yield lambda: user_directory.check(spec.image)
        else:
            from . import storage_driver

            yield lambda: storage_driver.check(engine, record)

    def acquire(self, engine: Engine, run: Run) -> Run:
        record = run.record
        if not record.spec.rootfs:
            from . import cgroup, rootfs

            rootfs.mount(
                engine.layout.container(record.id),
                run.source.lowers[::-1],
                record.mapping,
                driver=record.driver,
                move=cgroup.monitor_mover(engine, record, "rootfs"),
            )
        return run

    def release(self, engine: Engine, record: ContainerRecord) -> None:
        from . import rootfs

        rootfs.unmount(engine.layout.container(record.id), record.driver)

    def observe(self, engine: Engine, record: ContainerRecord) -> bool:
        """Return whether it is mounted; False with vfs, where it is a plain directory."""
        from ...rootfs import mount_state

        return record.driver != VFS and mount_state.is_mounted(
            engine.layout.container(record.id), record.driver
        )

    def inspect(self, known: Known) -> Mapping[str, Any]:
        return shown.rootfs(known.record, known.image, known.layout)


class _Mounts(Resource):
    """Mounts that the OCI runtime cannot make (prepared_mounts.py); most containers have none."""

    name, step = "mounts", "prepare_mounts"

    def check(
        self, engine: Engine, spec: ContainerSpec, source: Source, _record: ContainerRecord | None
    ) -> Iterator[Callable[[], object]]:
        from ...plan.prepared_mounts import prepared

        # The users of a root file system that does not exist yet are unknown, and so are their ids.
        known = source.is_known(spec) or spec.userns is None
        if prepared((spec.mounts or {}).values()) and known:
            from . import id_mapping, prepared_mount_checks

            yield lambda: prepared_mount_checks.check(
                engine, spec, source, id_mapping.foresee(engine, spec, source)
            )

    def acquire(self, engine: Engine, run: Run) -> Run:
        from ...plan.prepared_mounts import prepared

        record = run.record
        if not prepared(record.mounts.values()):
            return run
        from ..core.facts import save
        from .prepared_mounts import prepare

        made = prepare(engine, record, run.source, run.rootfs)
        if made.given != record.given:
            record = save(engine, record, given=made.given)
        return run._replace(record=record, prepared=made.paths)

    def release(self, engine: Engine, record: ContainerRecord) -> None:
        if self.observe(engine, record):
            from ...rootfs import prepared_mounts

            prepared_mounts.unmount(engine.layout.container(record.id))

    def observe(self, engine: Engine, record: ContainerRecord) -> bool:
        container = engine.layout.container(record.id)
        return os.path.isdir(container.mounts) or os.path.isdir(container.overlays)

    def refresh(self, engine: Engine, record: ContainerRecord) -> None:
        """Remove the upper layers of the engine's own overlays: they end with the run, but are on disk."""
        self.release(engine, record)

    def inspect(self, known: Known) -> Mapping[str, Any]:
        """Return all mounts, including those that the OCI runtime makes."""
        return shown.mounts(known.record, known.layout, known.volumes)


FILES, SHM, ROOTFS, MOUNTS = _Files(), _Shm(), _Rootfs(), _Mounts()
