# SPDX-License-Identifier: GPL-3.0-or-later
"""Carry out the plan for a container; each action is one call of a verb."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from types import MappingProxyType
from typing import Any, NamedTuple, Optional

from ...errors import ContainerFailed, EngineError, NotFound, RuntimeFailed, WrongState, typed
from ...model.container import status, wired
from ...model.container.spec import ContainerSpec
from ...model.engine.record import ContainerRecord, ImageRecord
from ...model.values.labels import owner
from ...model.volume.spec import VolumeRecord, VolumeSpec
from ...plan import container as planning
from ...plan.container import Action, Plan
from ...state import containers, images
from ..core.engine import Engine
from ..core.facts import observe
from ..core.health_state import health_of
from ..core.source import Source
from .request import ExitCommand, Request


class Found(NamedTuple):
    """What exists: the wanted image, the container, and the remaining row of one that is being replaced.

    ``mounted`` are the images that it mounts, by destination.
    """

    image: Optional[ImageRecord] = None
    record: Optional[ContainerRecord] = None
    replaced: Optional[ContainerRecord] = None
    mounted: Mapping[str, ImageRecord] = MappingProxyType({})


class Progress(NamedTuple):
    """The progress of a task's actions.

    ``record`` is the container's record so far, None without a container; ``replaced`` the remaining row of the container
    that it replaces. ``extra``: the result of a run in the foreground. ``failure``: why the container failed while the task
    waited for it. ``made_volumes`` are the names of volumes that the task created. ``aside`` is the directory that keeps the
    files of the replaced container until the new one has started.
    """

    record: Optional[ContainerRecord]
    replaced: Optional[ContainerRecord] = None
    extra: Mapping[str, Any] = MappingProxyType({})
    failure: Optional[EngineError] = None
    made_volumes: tuple[str, ...] = ()
    aside: Optional[str] = None

    @property
    def known(self) -> ContainerRecord:
        """Return the record, which must exist. Raises NotFound."""
        if self.record is None:  # the plan has such a verb only if there is a container
            raise NotFound("container", "")
        return self.record


class Actions:
    """The actions of one task. Immutable: each takes the progress and returns it with its additions."""

    def __init__(
        self, engine: Engine, request: Request, exit_command: ExitCommand, found: Found, plan: Plan
    ) -> None:
        self.engine = engine
        self.request = request
        self.exit_command = exit_command
        self.found = found
        self.plan = plan
        self.begins = any(action.verb == planning.START for action in plan.actions)

    @property
    def source(self) -> Source:
        """Return the image, or none, that the container is created from."""
        return Source.of(self.found.image, self.engine.layout, self.found.mounted)

    # -- act -----------------------------------------------------------------------------------

    def apply(self) -> Progress:
        """Carry out the plan, and wait until the container is ready if the task asks for it."""
        actions = self.plan.actions
        progress = Progress(self.found.record, self.found.replaced)
        gone_from = planning.replaced_from(self.plan)
        if gone_from is not None:
            progress = self.make_ready(progress, actions[:gone_from])
        with self.aside() as place:
            progress = progress._replace(aside=place)
            for done, action in list(enumerate(actions))[gone_from or 0 :]:
                with self.told_of_failure(progress, actions[:done], action):
                    progress = self.act(progress, action)
        if actions or self.request.state == planning.ABSENT:
            self.sweep()
        self.keep_checked(progress.record)
        return self.see_it_work(progress)

    def act(self, progress: Progress, action: Action) -> Progress:
        """Carry out one action."""
        acts: Mapping[str, Callable[[Progress, Action], Progress]] = {
            planning.CREATE_VOLUME: self.create_volume,
            planning.CREATE: self.create,
            planning.CREATE_SOURCE: self.create_source,
            planning.UPDATE: self.update,
            planning.START: self.start,
            planning.STOP: self.stop,
            planning.RESTART: self.restart,
            planning.PAUSE: self.pause,
            planning.UNPAUSE: self.unpause,
            planning.REMOVE: self.remove,
            planning.START_NEEDED: self.start_needed,
            planning.REMOVE_DEPENDENT: self.remove_dependent,
        }
        return acts[action.verb](progress, action)

    def make_ready(self, progress: Progress, actions: Sequence[Action]) -> Progress:
        """Do all that can be done before the old container is touched, also filling the new one's volumes.

        So no volume can fail once the old container is gone. A failure removes the volumes that were created.
        """
        done: list[Action] = []
        try:
            for action in actions:
                progress = self.act(progress, action)
                done.append(action)
            self.fill_ahead(progress.known)
        except (EngineError, OSError) as caught:
            self.take_back(progress.made_volumes)
            kept = [action.text for action in done if action.verb != planning.CREATE_VOLUME]
            error = typed(caught)
            if kept:
                error.fields = {"changed": True, "actions": kept, **error.fields}
            error.remedy = f"{self.request.name} is unchanged. {error.remedy}".strip()
            raise error from caught.__cause__ if error is caught else caught
        return progress

    def fill_ahead(self, old: ContainerRecord) -> None:
        """Fill the volumes of a replacement while the old container still runs."""
        from ..resources.namespaces import join
        from .copy_up_ahead import fill
        from .prediction import record_to_come

        spec, source = self.request.spec or old.spec, self.source
        to_come = record_to_come(self.engine, spec, source, old, carried=_anonymous(old))
        join(self.engine, to_come)  # the containers whose namespaces it shares run by now
        fill(self.engine, to_come, source)

    def take_back(self, made: Sequence[str]) -> None:
        """Remove the volumes that this task created, except those in use by others."""
        from ..resources.volume import discard

        for name in made:
            with suppress(EngineError, OSError):  # in use by another container
                discard(self.engine, name)

    @contextmanager
    def told_of_failure(self, progress: Progress, before: Sequence[Action], action: Action) -> Iterator[None]:
        """Add to an error the actions done before it, and the fate of the replaced container."""
        try:
            yield
        except (EngineError, OSError) as caught:
            error = typed(caught)
            done = (*before, action) if self.is_half_made(progress, action) else before
            done, told = self.turn_back(progress, done)
            if done:
                error.fields = {"changed": True, "actions": [one.text for one in done], **error.fields}
            error.message += told
            raise error from caught.__cause__ if error is caught else caught

    def is_half_made(self, progress: Progress, action: Action) -> bool:
        """Return whether the action left a container without its directories; a later task completes it."""
        if action.verb != planning.CREATE:
            return False
        known = {one.id for one in (progress.record, progress.replaced) if one is not None}
        with self.engine.database.reading() as connection:
            found = containers.by_name(connection, self.request.name)
        return found is not None and found.id not in known

    def aside(self) -> AbstractContextManager[str | None]:
        """Yield a directory for the files of the replaced container, None if no container is replaced."""
        if planning.replaced_from(self.plan) is None:
            return nullcontext()
        from .bring_back import aside

        return aside(self.engine, self.plan)

    def turn_back(self, progress: Progress, done: Sequence[Action]) -> tuple[Sequence[Action], str]:
        """Restore the replaced container; return all actions done, and a text about its fate."""
        old = progress.replaced
        if old is None:
            return done, ""
        from .bring_back import GONE, RUNS, bring_back

        became = bring_back(self.engine, old, progress.aside, self.exit_command(self.engine, keep=False))
        if became != GONE:
            undone = (planning.REMOVE, planning.CREATE, planning.CREATE_VOLUME)
            self.take_back(progress.made_volumes)
            done = [action for action in done if action.verb not in undone]
        if became == RUNS:
            done = [*done, Action(planning.START, old.name, f"started {old.name}")]
        return done, f"; the replaced container {old.id[:12]} of {old.name} {became}"

    def start_needed(self, progress: Progress, action: Action) -> Progress:
        """Start a container that this one depends on."""
        from ..container.start_existing import start_again

        with self.engine.database.reading() as connection:
            found = containers.by_name(connection, action.name)
        if found is not None:
            start_again(self.engine, found.id, self.exit_command(self.engine, keep=False))
        return progress

    def remove_dependent(self, progress: Progress, action: Action) -> Progress:
        """Stop and remove a container that depends on this one."""
        from ..container.remove import remove
        from ..container.stop import stop
        from ..core.origin import source_of

        with self.engine.database.reading() as connection:
            found = containers.by_name(connection, action.name)
        if found is not None:
            stop(self.engine, found.id, source_of(self.engine, found).config, timeout=self.request.stop_time)
            remove(self.engine, found.id, with_volumes=self.request.delete_volumes)
        return progress

    def create_volume(self, progress: Progress, action: Action) -> Progress:
        """Create a missing volume that the container names."""
        from ..resources.volume import ensure

        spec = self.request.spec or (progress.record.spec if progress.record else None)
        labels = owner(spec.label) if spec else {}
        if not ensure(self.engine, VolumeRecord(VolumeSpec(action.name, labels), time.time_ns())):
            return progress
        return progress._replace(made_volumes=(*progress.made_volumes, action.name))

    def create_source(self, progress: Progress, action: Action) -> Progress:
        """Create the source directory of a bind mount on the host."""
        from ..container.bind_sources import make

        make(action.name)
        return progress

    def create(self, progress: Progress, _action: Action) -> Progress:
        """Create the container, deleting the row of the replaced one in the same transaction."""
        from ..container.create import create

        there = progress.record or progress.replaced
        spec = self.request.spec or (there.spec if there else None)
        if spec is None:  # decide() has refused this
            raise NotFound("container", self.request.name)
        old = progress.replaced
        carried, replaces = (_anonymous(old), old.id) if old else ({}, None)
        record = create(
            self.engine,
            spec,
            self.source,
            carried=carried,
            replaces=replaces,
            start_pending=old is not None and old.start_pending and self.begins,
        )
        return progress._replace(record=record)

    def update(self, progress: Progress, _action: Action) -> Progress:
        """Apply options that can be changed live, and record them."""
        from ..guard.hold import hold
        from ..guard.limits import alter

        with hold(self.engine, progress.known.id, "update") as held:
            spec = self.request.spec or held.spec
            return progress._replace(record=alter(self.engine, self.rewired(held, spec), spec))

    def rewired(self, record: ContainerRecord, spec: ContainerSpec) -> ContainerRecord:
        """Apply the networks and ports of the spec to the container."""
        if not wired.differs(record.spec, spec):
            return record
        from ..container.networks import alter

        return alter(self.engine, record, spec, self.source)

    def keep_checked(self, record: ContainerRecord | None) -> None:
        """Start a changed health check, and restart the checker if it was killed."""
        if record is None or record.status != status.RUNNING:
            return
        image = self.found.image
        if health_of(self.engine, record, image) is not None:
            from ...model.image.config import parse
            from ..core.health_notify import begin

            begin(self.engine, record, parse(image.config) if image else None)

    def start(self, progress: Progress, _action: Action) -> Progress:
        """Start the container."""
        from ..container.start import start
        from ..guard.hold import hold

        command = self.exit_command(self.engine, keep=not self.request.detach)
        source, begin = self.source, time.time_ns()
        with hold(self.engine, progress.known.id, "start") as record:
            try:
                lives = record.status in status.ALIVE
                started = record if lives else start(self.engine, record, source, command)
            except RuntimeFailed as error:
                raise self.failed_start(error, record, source) from error
        if self.request.detach:
            return progress._replace(record=started)
        from ..container.attached import wait

        ended, extra = wait(self.engine, started.id, command, since=begin)
        return progress._replace(record=ended, extra=extra)

    def failed_start(self, error: RuntimeFailed, record: ContainerRecord, source: Source) -> EngineError:
        """Return the error with the facts of the run, and with an explanation of the runtime's message."""
        from ..container.failure import add_facts
        from ..preflight.limits import explained as explained_by_limits
        from .inside_checks import explained

        add_facts(self.engine, error, record)
        return explained(self.engine, record, source, explained_by_limits(record.spec, error))

    def stop(self, progress: Progress, _action: Action) -> Progress:
        """Stop the container, with the signal and the timeout from the options or the image."""
        from ...model.image import config as imageconfig
        from ..container.stop import BY_USER, TO_START, stop

        record = progress.known
        with self.engine.database.reading() as connection:
            image = images.get(connection, record.image_id or "")
        config = imageconfig.parse(image.config) if image else None
        marks = TO_START if self.begins else BY_USER
        return progress._replace(
            record=stop(self.engine, record.id, config, timeout=self.request.stop_time, marks=marks)
        )

    def restart(self, progress: Progress, _action: Action) -> Progress:
        """Stop the container and start it."""
        from ..container.restart import restart

        command = self.exit_command(self.engine, keep=False)
        record = restart(self.engine, progress.known.id, command, timeout=self.request.stop_time)
        return progress._replace(record=record)

    def pause(self, progress: Progress, _action: Action) -> Progress:
        """Freeze the container's processes."""
        from ..container.pause import pause

        return progress._replace(record=pause(self.engine, progress.known.id))

    def unpause(self, progress: Progress, _action: Action) -> Progress:
        """Thaw the container's processes."""
        from ..container.pause import unpause

        return progress._replace(record=unpause(self.engine, progress.known.id))

    def see_it_work(self, progress: Progress) -> Progress:
        """Wait until the container is ready, if the task asks for it; a failure goes into the outcome."""
        asked = self.request.wait or self.request.state == planning.HEALTHY
        record = progress.record
        if not asked or record is None or record.status != status.RUNNING or progress.extra:
            return progress
        from ..container.ready import wait_ready

        try:
            ready = wait_ready(self.engine, record, timeout=self.request.wait_timeout)
        except ContainerFailed as error:
            with self.engine.database.reading() as connection:
                found = containers.by_name(connection, self.request.name)
            return progress._replace(failure=error, record=observe(self.engine, found) if found else None)
        return progress._replace(record=ready)

    def remove(self, progress: Progress, action: Action) -> Progress:
        """Remove the container; a replaced one keeps its row until the new one's is inserted."""
        from ..container.remove import remove

        old = progress.known
        if self.request.state == planning.ABSENT:
            self.remove_for_good(progress, action)
            return progress._replace(record=None)
        remove(self.engine, old.id, with_volumes=False, keep_row=True, aside=progress.aside)
        return progress._replace(record=None, replaced=old)

    def remove_for_good(self, progress: Progress, action: Action) -> None:
        """Remove the container; stop it again if its policy or a health check restarted it meanwhile."""
        from ..container.remove import remove

        known, volumes = progress.known.id, self.request.delete_volumes
        try:
            remove(self.engine, known, with_volumes=volumes)
        except WrongState:
            if not self.request.force_delete:
                raise
            self.stop(progress, action)  # marks it as stopped by its user, so that nothing restarts it
            remove(self.engine, known, with_volumes=volumes)

    def sweep(self) -> None:
        """Remove the remains of killed tasks, and carry out orphaned restarts."""
        from ..container.orphaned_restarts import revive
        from ..guard.waste import sweep, sweep_locks

        sweep(self.engine)
        sweep_locks(self.engine)
        revive(self.engine)


def _anonymous(record: ContainerRecord) -> dict[str, str]:
    """Return the container's anonymous volumes by destination; a replacement reuses them."""
    named = {mount.source for mount in (record.spec.mounts or {}).values() if mount.kind == "volume"}
    own = {path: name for path, name in record.volumes.items() if path not in record.implied}
    return {path: name for path, name in own.items() if name not in named}
