# SPDX-License-Identifier: GPL-3.0-or-later
"""Let a container go on from the checkpoint that it has: a start whose processes come from there (libpod: restore)."""

from __future__ import annotations

import time
from dataclasses import replace

from ...errors import HostLacks, RuntimeFailed, Setting, Words, WrongState
from ...model.container import status
from ...model.container.checkpoint import RestoreOptions, for_runtime
from ...model.engine.record import ContainerRecord
from ...rootfs import ownfiles, shm
from ...runtime import conmon, criu, oci
from ..container.start import Start
from ..core.dependencies import refuse_not_running, refuse_stuck, to_start
from ..core.engine import Engine
from ..core.origin import source_of
from ..core.source import Source
from ..core.steps import Step
from ..guard import checkpointed
from ..guard.cleanup import release_mounts
from ..guard.hold import hold
from ..preflight.container import check as check_start
from ..resources.namespaces import verify

RESTORE = "restore"


def check(engine: Engine, record: ContainerRecord) -> None:
    """Refuse what could only fail later; raises WrongState for a container that has no checkpoint, HostLacks and so on."""
    if record.status in status.ALIVE or record.status not in status.STARTABLE:
        raise WrongState(
            f"container {record.name} is {record.status} and can't be restored",
            remedy="Unpause it instead" if record.status == status.PAUSED else "",
            name=record.name,
            status=record.status,
        )
    if record.checkpointed is None:
        raise WrongState(
            f"container {record.name} has no checkpoint to go on from",
            remedy="Make one of the running container first (container_checkpoint)",
            name=record.name,
            status=record.status,
        )
    runtime = oci.find_runtime(record.runtime or None)
    if engine.runtime and oci.find_runtime(engine.runtime).name != runtime.name:
        raise HostLacks(
            f"the checkpoint of {record.name} was made with {runtime.name}, and no other runtime can restore it",
            remedy=Words("Leave runtime out, or write ", Setting("runtime", runtime.name)),
            program=runtime.name,
        )
    criu.check(runtime)
    needed = to_start(engine, record, None)
    refuse_stuck(record.name, needed)
    refuse_not_running(record.name, needed)
    check_start(
        replace(engine, runtime=record.runtime or None), record.spec, source_of(engine, record), record
    )


def go_on(
    engine: Engine, container_id: str, options: RestoreOptions, exit_command: tuple[str, ...]
) -> ContainerRecord:
    """Restore the container unless it runs meanwhile, and return its record; raises as ``check``, and RuntimeFailed."""
    with engine.timings.of(RESTORE), hold(engine, container_id, RESTORE) as record:
        if record.status == status.RUNNING:
            return record
        check(engine, record)
        own = replace(engine, runtime=record.runtime or None)
        return Restore(own, record, source_of(engine, record), exit_command, options).run()


class Restore(Start):
    """One restore; what is not told here is done as at a start."""

    verb = RESTORE
    told = ("mount",)

    def __init__(
        self,
        engine: Engine,
        record: ContainerRecord,
        source: Source,
        exit_command: tuple[str, ...],
        options: RestoreOptions,
    ) -> None:
        super().__init__(engine, record, source, exit_command)
        self.options = options

    def steps(self) -> tuple[Step, ...]:
        container = self.container
        return (
            Step("prepare", self.prepare, self.give_up),
            Step("mount_files", lambda: ownfiles.mount(container), lambda: ownfiles.unmount(container)),
            Step("mount_shm", self.mount_shm, lambda: shm.unmount_shm(container)),
            Step("fill_shm", lambda: checkpointed.fill_shm(container)),
            Step("mount_rootfs", self.mount_rootfs, self.unmount_rootfs),
            Step("mount_volumes", self.mount_volumes),
            Step("copy_up", self.copy_up),
            Step("prepare_mounts", self.prepare_mounts, lambda: release_mounts(container)),
            Step("write_bundle", self.write_bundle),
            Step("runtime_restore", self.create, self.destroy),
            Step("verify_shared", lambda: verify(self.shared)),
            Step("save", self.started),
        )

    def write_bundle(self) -> None:
        super().write_bundle()
        if self.record.mapping is not None:
            checkpointed.give_to(self.container, self.record.mapping.root)
        criu.configure(self.container.bundle, self.record.cgroup)

    def create(self) -> None:
        try:
            super().create()
        except RuntimeFailed as error:
            criu.add_log(error, self.container.restore_log)
            raise

    def launch(self) -> conmon.ConmonLaunch:
        options = for_runtime(self.options)
        return replace(super().launch(), restore=self.container.checkpoint, restore_options=options)

    def started(self) -> None:
        super().started()
        if not self.options.keep:
            checkpointed.forget_logs(self.container)

    def of_checkpoint(self) -> dict[str, object]:
        kept = self.before.checkpointed if self.options.keep else None
        return {"checkpointed": kept, "restored": time.time_ns()}
