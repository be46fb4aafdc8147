# SPDX-License-Identifier: GPL-3.0-or-later
"""Start of a container, in steps that can be undone: resources (resources/held.py), bundle, OCI runtime.

Seed: prepareToStart, mountStorage, init, start. The intent is in the database before the first mount, so the next verb
finds and cleans up a start that was killed at any point (lifecycle/guard/recover.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any

from ...errors import EngineError, WrongState
from ...frozen import replace
from ...kernel.process import Process
from ...model.container import log_options as logopts
from ...model.container import status
from ...model.engine.record import ContainerRecord, ProcessId
from ...runtime import conmon
from ..core.engine import Engine
from ..core.facts import save, save_and_tell
from ..core.runtime import runtime_of
from ..core.source import Source
from ..core.steps import Step, doing, run
from ..core.waiter import wake
from ..guard.cleanup import release, release_shared
from ..resources import cgroup, confinement, held
from ..resources.contract import Resource, Run
from ..resources.runtime import RUNTIME
from ..resources.volume_attach import VOLUMES
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

    ``exit_command`` is what conmon calls when the container has exited. ``by_policy``: the restart policy starts it, not
    a user, so the restart count continues. Raises WrongState, RuntimeFailed, HostLacks and what the mounts raise; after
    a failure nothing is mounted and the record is as before, with the error.
    """
    if record.status not in status.STARTABLE:
        raise WrongState(
            f"container {record.name} is {record.status} and can't be started",
            remedy="Unpause it instead" if record.status == status.PAUSED else "",
            name=record.name,
            status=record.status,
        )
    return begin(Beginning(engine, record, exit_command, by_policy=by_policy), source)


def begin(how: Beginning, source: Source) -> ContainerRecord:
    """Run the steps of a start; their state is in the Run that they pass on."""
    engine, before = how.engine, how.before
    rootfs = before.spec.image if before.spec.rootfs else how.container.merged
    try:
        begun = run(how.steps(), Run(before, source, rootfs, began=time.time_ns()), engine.timings)
    except (EngineError, OSError) as error:
        save(engine, before, intent="", error=str(error))
        raise
    if not how.by_policy and before.restart_at is not None:
        wake(how.container)
    _begin_checks(engine, begun)
    return begun.record


def _begin_checks(engine: Engine, begun: Run) -> None:
    config = begun.source.config
    if begun.record.spec.healthcheck is not None or (config is not None and config.healthcheck is not None):
        from ..core.health_notify import begin as begin_checks

        begin_checks(engine, begun.record, config)


class Beginning:
    """The start of one container from its program. Immutable: steps add to the Run that they pass on."""

    #: The intent, and the final event.
    verb = "start"
    #: The events recorded once the runtime has created the container.
    told: tuple[str, ...] = ("mount", "init")
    #: The name of the step in which the runtime creates the container.
    creation = "runtime_create"

    def __init__(
        self,
        engine: Engine,
        before: ContainerRecord,
        exit_command: tuple[str, ...],
        *,
        by_policy: bool = False,
    ) -> None:
        self.engine = engine
        self.before = before
        self.exit_command = exit_command
        self.by_policy = by_policy
        self.container = engine.layout.container(before.id)

    def steps(self) -> Iterator[Step[Run]]:
        """Yield the steps in order: each resource and what follows its acquisition, bundle, runtime."""
        after = self.after_acquiring()
        yield Step("prepare", self.prepare, self.give_up)
        for resource in held.HELD:
            if resource.step:
                yield _acquisition(self.engine, resource)
            if resource in after:
                name, act = after[resource]
                yield Step(name, doing(act))
        yield Step("write_bundle", doing(self.write_bundle))
        yield Step("announce", doing(self.announce))
        yield Step(self.creation, self.create, self.destroy)
        yield Step("verify_shared", doing(_verify_shared))
        yield from self.last_steps()
        yield Step("save", self.started)

    def after_acquiring(self) -> dict[Resource, tuple[str, Callable[[Run], object]]]:
        """Return, by resource, what follows its acquisition: the key in ``timings`` and the action."""
        return {VOLUMES: ("copy_up", self.copy_up)}

    def last_steps(self) -> Iterator[Step[Run]]:
        """Yield the steps that follow the runtime's creation of the container."""
        yield Step("runtime_start", self.begin)

    def prepare(self, begun: Run) -> Run:
        """Save the intent, with all that must be recorded before anything is acquired."""
        record = begun.record
        planned = held.planned(self.engine, record)
        _make_sources(record)
        release(self.engine, record)
        prepare_directories(self.engine, record)
        record = save(
            self.engine,
            record,
            status=status.CONFIGURED if record.started is None else status.EXITED,
            intent=self.verb,
            error="",
            **planned,
        )
        return begun._replace(record=record)

    def give_up(self, begun: Run) -> None:
        """Restore the previous record, once all else is undone."""
        # A recorded mount event needs its unmount event.
        told = ("unmount",) if begun.record.status == status.CREATED and not self.before.spec.rootfs else ()
        save_and_tell(self.engine, self.before, told, intent="")
        release_shared(self.engine, self.before)

    def copy_up(self, begun: Run) -> None:
        """Copy the image's content into empty volumes."""
        populate.populate(self.engine, begun.record, begun.rootfs)

    def write_bundle(self, begun: Run) -> None:
        """Write config.json and load the profiles that it names."""
        confinement.load(begun.record.spec)
        write_bundle(self.engine, begun)

    def announce(self, begun: Run) -> None:
        """Publish its names to the containers in its networks; releasing the networks withdraws them."""
        if begun.attached:
            from ..wiring import peers

            peers.announce(self.engine, begun.record, begun.attached)

    def create(self, begun: Run) -> Run:
        """Create the container with the runtime, under its monitor."""
        with ExitStack() as stack:
            ports = _held_ports(begun, stack)
            made = conmon.create(replace(self.launch(begun.record), kept=ports))
        record = save_and_tell(
            self.engine,
            begun.record,
            tuple(word for word in self.told if not (word == "mount" and self.before.spec.rootfs)),
            status=status.CREATED,
            process=_process_id(made.process),
            monitor=_process_id(made.monitor),
        )
        if "max_file" in (record.spec.log_opt or {}):
            from . import log_rotation

            log_rotation.launch(self.engine, record)
        return begun._replace(record=record)

    def launch(self, record: ContainerRecord) -> conmon.ConmonLaunch:
        """Return the parameters for starting conmon."""
        log_options = record.spec.log_opt or {}
        return conmon.ConmonLaunch(
            conmon=conmon.find_conmon(self.engine.conmon),
            runtime=runtime_of(self.engine, record),
            container=self.container,
            name=record.name,
            exit_command=(*self.exit_command, record.id),
            tty=record.spec.tty,
            interactive=record.spec.interactive,
            log_path=log_options.get("path", self.container.log),
            log_size_max=_log_size_max(log_options),
            journal=record.spec.log_driver == logopts.JOURNAL,
            log_tag=_log_tag(record, log_options),
            move=cgroup.monitor_mover(self.engine, record),
            cgroup_manager=cgroup.manager_for_runtime(record),
        )

    def destroy(self, begun: Run) -> None:
        """Delete the container with the runtime: the undo of its creation."""
        RUNTIME.release(self.engine, begun.record)

    def begin(self, begun: Run) -> Run:
        """Start its process."""
        # Taken before: a short command may have exited by the time the runtime returns.
        began = time.time_ns()
        runtime_of(self.engine, begun.record).start(begun.record.id)
        return begun._replace(began=began)

    def started(self, begun: Run) -> Run:
        """Record that the container runs."""
        before = self.before
        record = save_and_tell(
            self.engine,
            begun.record,
            ("restart", self.verb) if self.by_policy else (self.verb,),
            status=status.RUNNING,
            intent="",
            started=begun.began,
            finished=None,
            exit_code=None,
            oom_killed=False,
            stopped_by_user=False,
            interrupted=False,
            start_pending=False,
            restart_at=None,
            restart_count=before.restart_count if self.by_policy else 0,
            crashes=before.crashes if self.by_policy else 0,
            **self.of_checkpoint(),
        )
        if before.checkpointed is not None and record.checkpointed is None:
            from ..guard.checkpoint_files import forget

            forget(self.container)
        return begun._replace(record=record)

    def of_checkpoint(self) -> dict[str, Any]:
        """Return the record's fields about checkpoints: none applies, since this is a new run."""
        return {"checkpointed": None, "restored": None}


def _held_ports(begun: Run, stack: ExitStack) -> tuple[int, ...]:
    """Return the descriptor that reserves the container's host ports, also later ones; stack closes it."""
    if not begun.record.endpoints:
        return ()
    from ..wiring import host_ports

    return (stack.enter_context(host_ports.hold(begun.record.ports)).fileno(),)


def _verify_shared(begun: Run) -> None:
    if begun.shared.others:
        from ..resources.namespaces import verify

        verify(begun.shared)


def _acquisition(engine: Engine, resource: Resource) -> Step[Run]:
    """Return the step that acquires a resource; a shared one has no undo, ``give_up`` releases it last."""

    def undo(begun: Run) -> None:
        resource.release(engine, begun.record)

    return Step(resource.step, partial(resource.acquire, engine), None if resource.shared else undo)


def _make_sources(record: ContainerRecord) -> None:
    """Create sources of bind mounts with ``create`` that were removed since the task that created them."""
    if any("create" in mount.options for mount in record.mounts.values()):
        from .bind_sources import make, missing

        for path in missing(record.mounts.values()):
            make(path)


def _log_size_max(options: Mapping[str, str]) -> int | None:
    """Return the size at which conmon truncates the log; None if several files are kept."""
    return int(options["max_size"]) if "max_size" in options and int(options.get("max_file", 1)) < 2 else None


def _log_tag(record: ContainerRecord, options: Mapping[str, str]) -> str | None:
    """Return the log's tag in the journal, with the container's values filled in."""
    if "tag" not in options:
        return None
    values = {
        "ID": record.id,
        "Name": record.name,
        "Image": record.image_id or "",
        "ImageName": record.spec.image,
    }
    return logopts.expand(options["tag"], values)


def _process_id(process: Process | None) -> ProcessId | None:
    return ProcessId(process.pid, process.start_time) if process else None
