# SPDX-License-Identifier: GPL-3.0-or-later
"""Start a container: storage, volumes, bundle, OCI runtime, in steps that undo themselves.

Seed: prepareToStart, mountStorage, init, start. The intent is in the database before the first mount, so a start that
was killed anywhere is found and cleared by whoever comes next (lifecycle/guard/recover.py).
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from ...errors import EngineError, WrongState
from ...kernel.process import Process
from ...model.container import log_options as logopts
from ...model.container import namespaces, status
from ...model.container.spec import ContainerSpec
from ...model.engine.record import ContainerRecord, ProcessId
from ...plan.prepared import prepared
from ...rootfs import ownfiles, shm
from ...runtime import conmon, oci
from ...runtime.oci import OciRuntime
from ..core.engine import Engine
from ..core.facts import save, save_and_tell
from ..core.source import Source
from ..core.steps import Step, run
from ..core.waiter import wake
from ..guard.cleanup import release, release_mounts
from ..resources import cgroup, cgroup_parents, confinement, rootfs
from ..resources.namespaces import Joined, join, verify
from ..resources.volume_attach import attach, detach
from ..volume import populate
from .bundle import write_bundle
from .create import prepare_directories


def start(
    engine: Engine,
    record: ContainerRecord,
    source: Source,
    exit_command: tuple[str, ...],
    *,
    by_policy: bool = False,
) -> ContainerRecord:
    """Start the container and return its record; its lock is held and the record is synced.

    ``exit_command`` is what conmon calls when the container has ended. ``by_policy``: not a user but the restart policy
    starts it, so restarts go on being counted. Raises WrongState, RuntimeFailed, HostLacks and
    what the mounts raise; after a failure nothing is mounted and the record is as before.
    """
    if record.status not in status.STARTABLE:
        raise WrongState(
            f"container {record.name} is {record.status} and can't be started",
            remedy="Unpause it instead" if record.status == status.PAUSED else "",
            name=record.name,
            status=record.status,
        )
    return Start(engine, record, source, exit_command, by_policy=by_policy).run()


class Start:
    """One start; holds what its steps hand on to each other."""

    #: The intent, and the event at the end.
    verb = "start"
    #: What is told once the runtime knows the container.
    told: tuple[str, ...] = ("mount", "init")

    def __init__(
        self,
        engine: Engine,
        record: ContainerRecord,
        source: Source,
        exit_command: tuple[str, ...],
        *,
        by_policy: bool = False,
    ) -> None:
        self.engine = engine
        self.before = record
        self.record = record
        self.source = source
        self.exit_command = exit_command
        self.by_policy = by_policy
        self.container = engine.layout.container(record.id)
        self.shared = Joined()
        self.began = time.time_ns()
        self.prepared: Mapping[str, str] = {}
        self.rootfs = record.spec.image if record.spec.rootfs else self.container.merged
        self.runtime: OciRuntime = oci.find_runtime(engine.runtime, root=engine.layout.runtime_root)

    @property
    def spec(self) -> ContainerSpec:
        return self.record.spec

    def run(self) -> ContainerRecord:
        try:
            run(self.steps(), self.engine.timings)
        except (EngineError, OSError) as error:
            # What was told has to be told of its undoing too.
            told = ("unmount",) if self.record.status == status.CREATED and not self.spec.rootfs else ()
            save_and_tell(self.engine, self.before, told, intent="", error=str(error))
            raise
        if not self.by_policy and self.before.restart_at is not None:
            wake(self.container)
        self.begin_checks()
        return self.record

    def begin_checks(self) -> None:
        config = self.source.config
        if self.spec.healthcheck is not None or (config is not None and config.healthcheck is not None):
            from ..core.health_notify import begin

            begin(self.engine, self.record, config)

    def steps(self) -> tuple[Step, ...]:
        container = self.container
        return (
            Step("prepare", self.prepare, self.give_up),
            Step("mount_files", lambda: ownfiles.mount(container), lambda: ownfiles.unmount(container)),
            Step("mount_shm", self.mount_shm, lambda: shm.unmount_shm(container)),
            Step("mount_rootfs", self.mount_rootfs, self.unmount_rootfs),
            Step("mount_volumes", self.mount_volumes),
            Step("copy_up", self.copy_up),
            Step("prepare_mounts", self.prepare_mounts, lambda: release_mounts(container)),
            Step("write_bundle", self.write_bundle),
            Step("runtime_create", self.create, self.destroy),
            Step("verify_shared", lambda: verify(self.shared)),
            Step("runtime_start", self.begin),
            Step("save", self.started),
        )

    def prepare(self) -> None:
        self.make_sources()
        self.shared = join(self.engine, self.record)
        release(self.engine, self.record)
        prepare_directories(self.engine, self.record)
        if self.spec.cgroup_parent:
            cgroup_parents.claim(self.engine, self.spec.cgroup_parent)
        self.record = save(
            self.engine,
            self.record,
            status=status.CONFIGURED if self.record.started is None else status.EXITED,
            intent=self.verb,
            error="",
            runtime=self.runtime.path,
            cgroup=cgroup.planned(self.engine, self.record),
        )

    def make_sources(self) -> None:
        """Make what is to be mounted and was taken away since the task that made it."""
        if any("create" in mount.options for mount in self.record.mounts.values()):
            from ..resources.bind_sources import make, missing

            for path in missing(self.record.mounts.values()):
                make(path)

    def mount_shm(self) -> None:
        if self.shared.shm is None and self.spec.ipc != namespaces.NONE:
            shm.mount_shm(self.container, self.spec.shm_size, self.record.mapping)

    def mount_rootfs(self) -> None:
        if not self.spec.rootfs:
            rootfs.mount(
                self.container,
                self.source.lowers[::-1],
                self.record.mapping,
                driver=self.record.driver,
                move=cgroup.monitor_mover(self.engine, self.record, "rootfs"),
            )

    def unmount_rootfs(self) -> None:
        rootfs.unmount(self.container, self.record.driver)

    def mount_volumes(self) -> None:
        attach(self.engine, self.record)

    def copy_up(self) -> None:
        populate.populate(self.engine, self.record, self.rootfs)

    def prepare_mounts(self) -> None:
        if not prepared(self.record.mounts.values()):
            return
        from ..resources.prepared_mounts import prepare

        made = prepare(self.engine, self.record, self.source, self.rootfs)
        self.prepared = made.paths
        if made.given != self.record.given:
            self.record = save(self.engine, self.record, given=made.given)

    def write_bundle(self) -> None:
        confinement.load(self.spec)
        write_bundle(self.engine, self.record, self.source, self.rootfs, self.shared, prepared=self.prepared)

    def create(self) -> None:
        begun = conmon.create(self.launch())
        self.record = save_and_tell(
            self.engine,
            self.record,
            tuple(word for word in self.told if not (word == "mount" and self.spec.rootfs)),
            status=status.CREATED,
            process=_held(begun.process),
            monitor=_held(begun.monitor),
        )

        if "max_file" in (self.spec.log_opt or {}):
            from . import log_rotation

            log_rotation.launch(self.engine, self.record)

    def launch(self) -> conmon.ConmonLaunch:
        log_options = self.spec.log_opt or {}
        return conmon.ConmonLaunch(
            conmon=conmon.find_conmon(self.engine.conmon),
            runtime=self.runtime,
            container=self.container,
            name=self.record.name,
            exit_command=(*self.exit_command, self.record.id),
            tty=self.spec.tty,
            interactive=self.spec.interactive,
            log_path=log_options.get("path", self.container.log),
            log_size_max=self.log_size_max(log_options),
            journal=self.spec.log_driver == logopts.JOURNAL,
            log_tag=self.log_tag(log_options),
            move=cgroup.monitor_mover(self.engine, self.record),
            cgroup_manager=cgroup.manager_for_runtime(self.record),
        )

    @staticmethod
    def log_size_max(options: Mapping[str, str]) -> int | None:
        """Return the size at which conmon itself begins the log anew; with several files that is not its to do."""
        return (
            int(options["max_size"])
            if "max_size" in options and int(options.get("max_file", 1)) < 2
            else None
        )

    def log_tag(self, options: Mapping[str, str]) -> str | None:
        """Return what marks the log in the journal, with the container's values in it."""
        if "tag" not in options:
            return None
        image = self.record.image_id or ""
        values = {
            "ID": self.record.id,
            "Name": self.record.name,
            "Image": image,
            "ImageName": self.spec.image,
        }
        return logopts.expand(options["tag"], values)

    def destroy(self) -> None:
        self.runtime.delete(self.record.id, force=True)

    def begin(self) -> None:
        # Taken before: a command that ends at once has done so when the runtime comes back.
        self.began = time.time_ns()
        self.runtime.start(self.record.id)

    def started(self) -> None:
        self.record = save_and_tell(
            self.engine,
            self.record,
            ("restart", self.verb) if self.by_policy else (self.verb,),
            status=status.RUNNING,
            intent="",
            started=self.began,
            finished=None,
            exit_code=None,
            oom_killed=False,
            stopped_by_user=False,
            interrupted=False,
            start_pending=False,
            restart_at=None,
            restart_count=self.before.restart_count if self.by_policy else 0,
            crashes=self.before.crashes if self.by_policy else 0,
            **self.of_checkpoint(),
        )
        if self.before.checkpointed is not None and self.record.checkpointed is None:
            from ..guard.checkpointed import forget

            forget(self.container)

    def of_checkpoint(self) -> dict[str, object]:
        """Return what the record tells of checkpoints from now on: this run is not the one that was saved."""
        return {"checkpointed": None, "restored": None}

    def give_up(self) -> None:
        """Put the record back to what it was before, once all else is undone."""
        save(self.engine, self.before, intent="")
        # Now, since whoever gave a volume back meanwhile has left it to us while the intent said that we begin.
        detach(self.engine, self.before)


def _held(process: Process | None) -> ProcessId | None:
    return ProcessId(process.pid, process.start_time) if process else None
