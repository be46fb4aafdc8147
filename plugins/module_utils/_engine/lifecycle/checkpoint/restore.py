# SPDX-License-Identifier: GPL-3.0-or-later
"""Restore a container from its checkpoint: a start whose processes come from there (libpod: restore)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from ...errors import HostLacks, RuntimeFailed, Setting, Words, WrongState
from ...frozen import replace
from ...model.container import status
from ...model.container.checkpoint import RestoreOptions, for_runtime
from ...model.engine.record import ContainerRecord
from ...runtime import conmon, criu, oci
from ..container.start import Beginning, begin
from ..core.dependencies import refuse_not_running, refuse_stuck, to_start
from ..core.engine import Engine
from ..core.origin import source_of
from ..core.steps import Step
from ..guard import checkpoint_files
from ..guard.hold import hold
from ..preflight.container import check as check_start
from ..resources.contract import Resource, Run
from ..resources.mounts import SHM

RESTORE = "restore"


def check(engine: Engine, record: ContainerRecord) -> None:
    """Check that the container can be restored, before anything is changed.

    Raises WrongState for a container that is alive or has no checkpoint, HostLacks, and what the checks of a start raise.
    """
    if record.status in status.ALIVE or record.status not in status.STARTABLE:
        raise WrongState(
            f"container {record.name} is {record.status} and cannot be restored",
            remedy="Unpause it instead" if record.status == status.PAUSED else "",
            name=record.name,
            status=record.status,
        )
    if record.checkpointed is None:
        raise WrongState(
            f"container {record.name} has no checkpoint",
            remedy="Checkpoint the running container first (container_checkpoint)",
            name=record.name,
            status=record.status,
        )
    runtime = oci.find_runtime(record.runtime or None)
    if engine.runtime and oci.find_runtime(engine.runtime).name != runtime.name:
        raise HostLacks(
            f"the checkpoint of {record.name} was made with {runtime.name}, and no other runtime can restore it",
            remedy=Words("Omit runtime, or use ", Setting("runtime", runtime.name)),
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
    """Restore the container unless it is running by now, and return its record.

    Raises what ``check`` raises, and RuntimeFailed.
    """
    with engine.timings.of(RESTORE), hold(engine, container_id, RESTORE) as record:
        if record.status == status.RUNNING:
            return record
        check(engine, record)
        own = replace(engine, runtime=record.runtime or None)
        return begin(Restore(own, record, exit_command, options), source_of(engine, record))


class Restore(Beginning):
    """The steps that restore a container from its checkpoint; all others are those of a start."""

    verb = RESTORE
    told = ("mount",)
    creation = "runtime_restore"

    def __init__(
        self,
        engine: Engine,
        before: ContainerRecord,
        exit_command: tuple[str, ...],
        options: RestoreOptions,
    ) -> None:
        super().__init__(engine, before, exit_command)
        self.options = options

    def after_acquiring(self) -> dict[Resource, tuple[str, Callable[[Run], object]]]:
        """Return a start's actions, with one that fills /dev/shm once it is mounted."""
        return {SHM: ("fill_shm", self.fill_shm), **super().after_acquiring()}

    def last_steps(self) -> Iterator[Step[Run]]:
        """Return no step: the restored processes run already."""
        return iter(())

    def fill_shm(self, _begun: Run) -> None:
        """Write back the content that /dev/shm had at the checkpoint."""
        checkpoint_files.fill_shm(self.container)

    def write_bundle(self, begun: Run) -> None:
        """Write the bundle, and the configuration that CRIU reads at a restore."""
        super().write_bundle(begun)
        if begun.record.mapping is not None:
            checkpoint_files.give_to(self.container, begun.record.mapping.root)
        criu.configure(self.container.bundle, begun.record.cgroup)

    def create(self, begun: Run) -> Run:
        """Restore the processes. Raises RuntimeFailed, with CRIU's log."""
        try:
            return super().create(begun)
        except RuntimeFailed as error:
            criu.add_log(error, self.container.restore_log)
            raise

    def launch(self, record: ContainerRecord) -> conmon.ConmonLaunch:
        """Return how conmon is started, with the checkpoint and the restore's options."""
        options = for_runtime(self.options)
        return replace(super().launch(record), restore=self.container.checkpoint, restore_options=options)

    def started(self, begun: Run) -> Run:
        """Record the start, and remove the logs of a checkpoint that is not kept."""
        begun = super().started(begun)
        if not self.options.keep:
            checkpoint_files.forget_logs(self.container)
        return begun

    def of_checkpoint(self) -> dict[str, Any]:
        """Return the record's new fields ``checkpointed`` (None unless it is kept) and ``restored``."""
        kept = self.before.checkpointed if self.options.keep else None
        return {"checkpointed": kept, "restored": time.time_ns()}
