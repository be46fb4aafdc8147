# SPDX-License-Identifier: GPL-3.0-or-later
"""Carry out the plan for a container, action by action; each is one call of a verb."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import MappingProxyType
from typing import Any, NamedTuple, Optional

from ...errors import ContainerFailed, EngineError, NotFound, RuntimeFailed, WrongState
from ...model.container import status
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
    """What is there: the image asked for, the container, the row of one that was taken away to be made anew.

    ``mounted`` are the images that it mounts, by destination.
    """

    image: Optional[ImageRecord] = None
    record: Optional[ContainerRecord] = None
    replaced: Optional[ContainerRecord] = None
    mounted: Mapping[str, ImageRecord] = MappingProxyType({})


class Actions:
    """The actions of one task; holds what they hand on to each other.

    ``record`` is what has come of the container so far, None where there is none. ``extra``: what a run in the foreground
    gives back. ``failure``: what the container failed at when the task waited for it.
    """

    def __init__(
        self,
        engine: Engine,
        request: Request,
        exit_command: ExitCommand,
        found: Found,
    ) -> None:
        self.engine = engine
        self.request = request
        self.exit_command = exit_command
        self.image, self.record, self.replaced, self.mounted = found
        self.begins = False
        self.extra: dict[str, Any] = {}
        self.failure: EngineError | None = None
        self.made_volumes: list[str] = []

    # -- act -----------------------------------------------------------------------------------

    def apply(self, plan: Plan) -> None:
        """Carry out the plan, and wait until the container works if the task asks for it."""
        self.begins = any(action.verb == planning.START for action in plan.actions)
        gone_from = planning.replaced_from(plan)
        if gone_from is not None:
            self.make_ready(plan.actions[:gone_from])
        for done, action in list(enumerate(plan.actions))[gone_from or 0 :]:
            with self.told_of_failure(plan.actions[:done]):
                self.act(action)
        if plan.actions or self.request.state == planning.ABSENT:
            self.sweep()
        self.keep_checked()
        self.see_it_work()

    def act(self, action: Action) -> None:
        """Carry out one action."""
        acts: Mapping[str, Callable[[Action], None]] = {
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
        acts[action.verb](action)

    def make_ready(self, actions: Sequence[Action]) -> None:
        """Do what comes before the old container is touched, and fill the new one's volumes; what fails takes back the volumes.

        So nothing that may fail for the new one's volumes is left for when the old one is gone.
        """
        done: list[Action] = []
        try:
            for action in actions:
                self.act(action)
                done.append(action)
            self.fill_ahead()
        except (EngineError, OSError) as error:
            self.take_back()
            kept = [action.text for action in done if action.verb != planning.CREATE_VOLUME]
            if isinstance(error, EngineError):
                if kept:
                    error.fields = {"changed": True, "actions": kept, **error.fields}
                error.remedy = f"{self.request.name} goes on as it was. {error.remedy}".strip()
            raise

    def fill_ahead(self) -> None:
        from ..resources.namespaces import join
        from .filling_ahead import fill
        from .foreseen import record_to_come

        spec = self.request.spec or self.known.spec
        source = Source.of(self.image, self.engine.layout, self.mounted)
        to_come = record_to_come(self.engine, spec, source, self.record, carried=_anonymous(self.known))
        join(self.engine, to_come)  # those that it shares namespaces with run by now
        fill(self.engine, to_come, source)

    def take_back(self) -> None:
        from ..resources.volume import discard

        for name in self.made_volumes:
            with suppress(EngineError, OSError):  # somebody else uses it by now
                discard(self.engine, name)

    @contextmanager
    def told_of_failure(self, done: Sequence[Action]) -> Iterator[None]:
        """Add to an error what was done before it, above all that the container that was replaced is gone."""
        try:
            yield
        except EngineError as error:
            if done:
                error.fields = {"changed": True, "actions": [action.text for action in done], **error.fields}
            if self.replaced is not None:
                error.message += (
                    f"; container {self.replaced.id[:12]}, which {self.request.name} was to replace, is gone, its volumes are"
                    " kept, and the next task goes on from here"
                )
            raise

    def start_needed(self, action: Action) -> None:
        from ..container.start_existing import start_again

        with self.engine.database.reading() as connection:
            found = containers.by_name(connection, action.name)
        if found is not None:
            start_again(self.engine, found.id, self.exit_command(self.engine, keep=False))

    def remove_dependent(self, action: Action) -> None:
        from ..container.remove import remove
        from ..container.stop import stop
        from ..core.origin import source_of

        with self.engine.database.reading() as connection:
            found = containers.by_name(connection, action.name)
        if found is not None:
            stop(self.engine, found.id, source_of(self.engine, found).config, timeout=self.request.stop_time)
            remove(self.engine, found.id, with_volumes=self.request.delete_volumes)

    def create_volume(self, action: Action) -> None:
        from ..resources.volume import ensure

        spec = self.request.spec or (self.record.spec if self.record else None)
        labels = owner(spec.label) if spec else {}
        if ensure(self.engine, VolumeRecord(VolumeSpec(action.name, labels), time.time_ns())):
            self.made_volumes.append(action.name)

    def create_source(self, action: Action) -> None:
        from ..container.bind_sources import make

        make(action.name)

    def create(self, _action: Action) -> None:
        from ..container.create import create

        there = self.record or self.replaced
        spec = self.request.spec or (there.spec if there else None)
        if spec is None:  # decide() refuses this before
            raise NotFound("container", self.request.name)
        source = Source.of(self.image, self.engine.layout, self.mounted)
        old = self.replaced
        carried, replaces = (_anonymous(old), old.id) if old else ({}, None)
        self.record = create(
            self.engine,
            spec,
            source,
            carried=carried,
            replaces=replaces,
            start_pending=old is not None and old.start_pending and self.begins,
        )

    def update(self, _action: Action) -> None:
        from ..guard.hold import hold
        from ..guard.limits import alter

        with hold(self.engine, self.known.id, "update") as record:
            self.record = alter(self.engine, record, self.request.spec or record.spec)

    def keep_checked(self) -> None:
        """Let a changed check hold from now on, and an unchanged one again after whoever checked was killed."""
        record = self.record
        if record is None or record.status != status.RUNNING:
            return
        if health_of(self.engine, record, self.image) is not None:
            from ...model.image.config import parse
            from ..core.health_notify import begin

            begin(self.engine, record, parse(self.image.config) if self.image else None)

    def start(self, _action: Action) -> None:
        from ..container.start import start
        from ..guard.hold import hold

        command = self.exit_command(self.engine, keep=not self.request.detach)
        source = Source.of(self.image, self.engine.layout, self.mounted)
        begin = time.time_ns()
        with hold(self.engine, self.known.id, "start") as record:
            try:
                self.record = (
                    record if record.status in status.ALIVE else start(self.engine, record, source, command)
                )
            except RuntimeFailed as error:
                raise self.failed_start(error, record, source) from error
        if not self.request.detach:
            self.wait(command, begin)

    def failed_start(self, error: RuntimeFailed, record: ContainerRecord, source: Source) -> EngineError:
        """Return the error with what is known of the run, and in words where it is known what the runtime means."""
        from ..container.failure import add_facts
        from ..preflight.limits import explained as explained_by_limits
        from .inside_checks import explained

        add_facts(self.engine, error, record)
        return explained(self.engine, record, source, explained_by_limits(record.spec, error))

    def wait(self, command: tuple[str, ...], begin: int) -> None:
        from ..container.attached import wait

        self.record, self.extra = wait(self.engine, self.known.id, command, since=begin)

    def stop(self, _action: Action) -> None:
        from ...model.image import config as imageconfig
        from ..container.stop import BY_USER, TO_START, stop

        with self.engine.database.reading() as connection:
            image = images.get(connection, self.known.image_id or "")
        config = imageconfig.parse(image.config) if image else None
        marks = TO_START if self.begins else BY_USER
        self.record = stop(self.engine, self.known.id, config, timeout=self.request.stop_time, marks=marks)

    def restart(self, _action: Action) -> None:
        from ..container.restart import restart

        command = self.exit_command(self.engine, keep=False)
        self.record = restart(self.engine, self.known.id, command, timeout=self.request.stop_time)

    def pause(self, _action: Action) -> None:
        from ..container.pause import pause

        self.record = pause(self.engine, self.known.id)

    def unpause(self, _action: Action) -> None:
        from ..container.pause import unpause

        self.record = unpause(self.engine, self.known.id)

    def see_it_work(self) -> None:
        """Wait until the container is ready, if the task asks for it; what it fails at is told with the outcome."""
        asked = self.request.wait or self.request.state == planning.HEALTHY
        if not asked or self.record is None or self.record.status != status.RUNNING or self.extra:
            return
        from ..container.ready import wait_ready

        try:
            self.record = wait_ready(self.engine, self.record, timeout=self.request.wait_timeout)
        except ContainerFailed as error:
            self.failure = error
            with self.engine.database.reading() as connection:
                found = containers.by_name(connection, self.request.name)
            self.record = observe(self.engine, found) if found else None

    def remove(self, action: Action) -> None:
        from ..container.remove import remove

        old = self.known
        if self.request.state == planning.ABSENT:
            self.remove_for_good(action)
        else:
            remove(self.engine, old.id, with_volumes=False, keep_row=True)
            self.replaced = old
        self.record = None

    def remove_for_good(self, action: Action) -> None:
        """Remove it; one that its restart policy or a health check started again meanwhile is stopped once more."""
        from ..container.remove import remove

        again, volumes = self.known.id, self.request.delete_volumes
        try:
            remove(self.engine, again, with_volumes=volumes)
        except WrongState:
            if not self.request.force_delete:
                raise
            self.stop(action)  # now its user has stopped it, so nobody starts it again
            remove(self.engine, again, with_volumes=volumes)

    def sweep(self) -> None:
        from ..container.orphaned_restarts import revive
        from ..guard.waste import sweep, sweep_locks

        sweep(self.engine)
        sweep_locks(self.engine)
        revive(self.engine)

    @property
    def known(self) -> ContainerRecord:
        if self.record is None:  # the plan only has this verb where there is a container
            raise NotFound("container", self.request.name)
        return self.record


def _anonymous(record: ContainerRecord) -> dict[str, str]:
    """Return the container's anonymous volumes by destination; a replacement goes on using them."""
    named = {mount.source for mount in (record.spec.mounts or {}).values() if mount.kind == "volume"}
    own = {path: name for path, name in record.volumes.items() if path not in record.implied}
    return {path: name for path, name in own.items() if name not in named}
