# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring one container to what a task wants: look, decide, act; predicting, the last part is left out."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any, Protocol

from ..errors import ContainerFailed, EngineError, NotFound, RuntimeFailed, WrongState
from ..model import status
from ..model.record import ContainerRecord, ImageRecord
from ..model.spec import ContainerSpec
from ..model.volume import VolumeRecord, VolumeSpec
from ..plan import container as planning
from ..plan.container import Action, Plan, Wish, decide
from ..state import containers, images, volumes
from .engine import Engine
from .facts import observe
from .health_state import health_of
from .images import find_image
from .inspect import container_shape
from .outcome import Outcome


@dataclass(frozen=True)
class Request:
    """What a task asks for. ``spec`` None: only the state matters.

    ``stop_time``: seconds for this task's stop, None: the spec's. ``detach`` False: run, wait, give back rc and output.
    ``wait``: see that it is healthy, or goes on running, within ``wait_timeout`` seconds (0 or less: without end); the
    state healthy always does.
    """

    name: str
    state: str
    spec: ContainerSpec | None = None
    image_strict: bool = False
    recreate: bool = False
    force_restart: bool = False
    force_delete: bool = True
    delete_volumes: bool = False
    stop_time: int | None = None
    detach: bool = True
    start_dependencies: bool = True
    delete_depend: bool = False
    wait: bool = False
    wait_timeout: float = 300.0


class ExitCommand(Protocol):
    """Gives the command that conmon calls when a container has ended; ``keep``: it must leave the removal (``rm``) to us."""

    def __call__(self, engine: Engine, *, keep: bool) -> tuple[str, ...]:
        """Return the argument list; the container's id is added to it."""


def converge(engine: Engine, request: Request, exit_command: ExitCommand) -> Outcome:
    """Bring the container to the wish and tell what was done. Raises what is wrong before anything is changed."""
    what = f"{request.state} {request.name}"
    with nullcontext() if engine.predicting else engine.lock_name(request.name, what):
        return _Convergence(engine, request, exit_command).run()


class _Convergence:
    """One look, one plan, one apply; holds what the actions hand on to each other."""

    def __init__(self, engine: Engine, request: Request, exit_command: ExitCommand) -> None:
        self.engine = engine
        self.request = request
        self.exit_command = exit_command
        self.record: ContainerRecord | None = None
        self.image: ImageRecord | None = None
        self.replaced: ContainerRecord | None = None
        self.extra: dict[str, Any] = {}
        self.failure: EngineError | None = None

    def run(self) -> Outcome:
        with self.engine.timings.of("look"):
            self.look()
        plan = self.plan()
        if plan.actions:
            self.check(plan)
            if not self.engine.predicting:
                self.apply(plan)
        if not self.engine.predicting:
            self.see_it_work()
        return self.outcome(plan)

    # -- look ----------------------------------------------------------------------------------

    def look(self) -> None:
        """Read the record and correct it by the facts; mend what a killed verb left (not when predicting)."""
        self.record = self.read()
        if self.record is None:
            return
        seen = observe(self.engine, self.record)
        if self.engine.predicting or not (self.record.intent or seen.status == status.STOPPED):
            self.record = seen
        else:
            self.mend(self.record)

    def read(self) -> ContainerRecord | None:
        with self.engine.database.reading() as connection:
            record = containers.by_name(connection, self.request.name)
            spec = self.request.spec
            if spec is not None and not spec.rootfs:
                self.image = find_image(connection, spec.image)
            elif spec is None and record is not None and record.image_id is not None:
                self.image = images.get(connection, record.image_id)
            return record

    def mend(self, record: ContainerRecord) -> None:
        from .exited import after_end
        from .hold import hold
        from .remove import remove_held

        with hold(self.engine, record.id, "mend") as held:
            # An end that was seen and not seen to: the agent is on its way to do so, or was killed.
            self.record = after_end(self.engine, held) if held.status == status.STOPPED else held
            if held.status == status.REMOVING and self.request.state != planning.ABSENT:
                remove_held(self.engine, held, with_volumes=False, keep_row=True)
                self.replaced, self.record = held, None

    # -- decide --------------------------------------------------------------------------------

    def plan(self) -> Plan:
        request = self.request
        wish = Wish(
            request.name,
            request.state,
            request.spec,
            self.image.id if self.image else None,
            request.image_strict,
            request.recreate,
            request.force_restart,
            request.force_delete,
            run_once=not request.detach,
        )
        return self.with_others(decide(wish, self.record, self.known_volumes()))

    def with_others(self, plan: Plan) -> Plan:
        """Add what has to be done to other containers: those that it needs, and those that need it."""
        verbs = {action.verb for action in plan.actions}
        needed: tuple[ContainerRecord, ...] = ()
        dependents: tuple[ContainerRecord, ...] = ()
        if verbs & {planning.CREATE, planning.START, planning.RESTART, planning.REMOVE}:
            from . import dependencies

            if planning.CREATE in verbs and self.request.spec is not None:
                dependencies.check(self.engine, self.request.spec, self.record.id if self.record else None)
            if verbs & {planning.START, planning.RESTART}:
                spec = self.request.spec if planning.CREATE in verbs else None
                needed = dependencies.to_start(self.engine, self.record, spec)
                dependencies.refuse_stuck(self.request.name, needed)
                if not self.request.start_dependencies:
                    dependencies.refuse_not_running(self.request.name, needed)
            if planning.REMOVE in verbs and self.record is not None:
                dependents = self.dependents(self.record)
        return planning.with_others(plan, [one.name for one in needed], [one.name for one in dependents])

    def dependents(self, record: ContainerRecord) -> tuple[ContainerRecord, ...]:
        from . import dependencies

        if self.request.state != planning.ABSENT:
            dependencies.refuse_shared(self.engine, record)
            return ()
        if not self.request.delete_depend:
            dependencies.refuse_needed(self.engine, record)
        return dependencies.dependents(self.engine, record.id)

    def known_volumes(self) -> frozenset[str]:
        with self.engine.database.reading() as connection:
            return frozenset(volume.spec.name for volume in volumes.all(connection) if not volume.removing)

    def check(self, plan: Plan) -> None:
        """Refuse what could only fail later, before the first action (and when predicting)."""
        verbs = {action.verb for action in plan.actions}
        spec = self.request.spec or (self.record.spec if self.record else None)
        if spec is not None and verbs & {planning.CREATE, planning.START, planning.RESTART}:
            from .preflight import check
            from .source import Source

            check(self.engine, spec, Source.of(self.image, self.engine.layout))
        if verbs == {planning.PAUSE}:
            from .freeze import check_freezer

            check_freezer(self.known)

    # -- act -----------------------------------------------------------------------------------

    def apply(self, plan: Plan) -> None:
        acts: Mapping[str, Callable[[Action], None]] = {
            planning.CREATE_VOLUME: self.create_volume,
            planning.CREATE: self.create,
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
        for action in plan.actions:
            acts[action.verb](action)
        self.sweep()

    def start_needed(self, action: Action) -> None:
        from .again import start_again

        with self.engine.database.reading() as connection:
            found = containers.by_name(connection, action.name)
        if found is not None:
            start_again(self.engine, found.id, self.exit_command(self.engine, keep=False))

    def remove_dependent(self, action: Action) -> None:
        from .origin import source_of
        from .remove import remove
        from .stop import stop

        with self.engine.database.reading() as connection:
            found = containers.by_name(connection, action.name)
        if found is not None:
            stop(self.engine, found.id, source_of(self.engine, found).config, timeout=self.request.stop_time)
            remove(self.engine, found.id, with_volumes=self.request.delete_volumes)

    def create_volume(self, action: Action) -> None:
        from .volume import ensure

        ensure(self.engine, VolumeRecord(VolumeSpec(action.name), time.time_ns()))

    def create(self, _action: Action) -> None:
        from .create import create
        from .source import Source

        spec = self.request.spec or (self.record.spec if self.record else None)
        if spec is None:  # decide() refuses this before
            raise NotFound("container", self.request.name)
        source = Source.of(self.image, self.engine.layout)
        old = self.replaced
        carried, replaces = (_anonymous(old), old.id) if old else ({}, None)
        self.record = create(self.engine, spec, source, carried=carried, replaces=replaces)

    def update(self, _action: Action) -> None:
        from .alter import alter
        from .hold import hold

        with hold(self.engine, self.known.id, "update") as record:
            self.record = alter(self.engine, record, self.request.spec or record.spec)
        self.begin_checks()

    def begin_checks(self) -> None:
        """Let a changed check hold from now on."""
        from ..model.imageconfig import parse
        from .health_notify import begin

        begin(self.engine, self.known, parse(self.image.config) if self.image else None)

    def start(self, _action: Action) -> None:
        from .hold import hold
        from .source import Source
        from .start import start

        command = self.exit_command(self.engine, keep=not self.request.detach)
        source = Source.of(self.image, self.engine.layout)
        begin = time.time_ns()
        with hold(self.engine, self.known.id, "start") as record:
            try:
                self.record = (
                    record if record.status in status.ALIVE else start(self.engine, record, source, command)
                )
            except RuntimeFailed as error:
                from .failure import add_facts

                add_facts(self.engine, error, record)
                raise
        if not self.request.detach:
            self.wait(command, begin)

    def wait(self, command: tuple[str, ...], begin: int) -> None:
        from .attached import wait

        self.record, self.extra = wait(self.engine, self.known.id, command, since=begin)

    def stop(self, _action: Action) -> None:
        from ..model import imageconfig
        from .stop import stop

        with self.engine.database.reading() as connection:
            image = images.get(connection, self.known.image_id or "")
        config = imageconfig.parse(image.config) if image else None
        self.record = stop(self.engine, self.known.id, config, timeout=self.request.stop_time)

    def restart(self, _action: Action) -> None:
        from .restart import restart

        command = self.exit_command(self.engine, keep=False)
        self.record = restart(self.engine, self.known.id, command, timeout=self.request.stop_time)

    def pause(self, _action: Action) -> None:
        from .pause import pause

        self.record = pause(self.engine, self.known.id)

    def unpause(self, _action: Action) -> None:
        from .pause import unpause

        self.record = unpause(self.engine, self.known.id)

    def see_it_work(self) -> None:
        """Wait until the container is ready, if the task asks for it; what it fails at is told with the outcome."""
        asked = self.request.wait or self.request.state == planning.HEALTHY
        if not asked or self.record is None or self.record.status != status.RUNNING or self.extra:
            return
        from .ready import wait_ready

        try:
            self.record = wait_ready(self.engine, self.record, timeout=self.request.wait_timeout)
        except ContainerFailed as error:
            self.failure = error
            self.record = self.read()
            self.record = observe(self.engine, self.record) if self.record else None

    def remove(self, action: Action) -> None:
        from .remove import remove

        old = self.known
        if self.request.state == planning.ABSENT:
            self.remove_for_good(action)
        else:
            remove(self.engine, old.id, with_volumes=False, keep_row=True)
            self.replaced = old
        self.record = None

    def remove_for_good(self, action: Action) -> None:
        """Remove it; one that its restart policy or a health check started again meanwhile is stopped once more."""
        from .remove import remove

        again, volumes = self.known.id, self.request.delete_volumes
        try:
            remove(self.engine, again, with_volumes=volumes)
        except WrongState:
            if not self.request.force_delete:
                raise
            self.stop(action)  # now its user has stopped it, so nobody starts it again
            remove(self.engine, again, with_volumes=volumes)

    def sweep(self) -> None:
        from .forgotten import revive
        from .waste import sweep

        sweep(self.engine)
        revive(self.engine)

    @property
    def known(self) -> ContainerRecord:
        if self.record is None:  # the plan only has this verb where there is a container
            raise NotFound("container", self.request.name)
        return self.record

    # -- tell ----------------------------------------------------------------------------------

    def outcome(self, plan: Plan) -> Outcome:
        record = self.predicted() if self.engine.predicting else self.record
        spec = record.spec if record else self.request.spec
        result: dict[str, Any] = {"container": {}, "spec": spec.encode() if spec else {}, **self.extra}
        if record is not None:
            with self.engine.database.reading() as connection:
                known = ((name, volumes.get(connection, name)) for name in record.volumes.values())
                attached = {name: volume for name, volume in known if volume is not None}
            result["container"] = container_shape(
                record,
                self.image,
                self.engine.layout,
                volumes=attached,
                host_name=socket.gethostname(),
                health=health_of(self.engine, record, self.image),
            )
        actions = tuple(action.text for action in plan.actions)
        return Outcome(actions, plan.differences, plan.cost, result, self.failure)

    def predicted(self) -> ContainerRecord | None:
        """Return the record as far as it can be known beforehand: what is there, with the spec as wanted."""
        if self.request.state == planning.ABSENT or self.record is None:
            return None
        if self.request.spec is None:
            return self.record
        image_id = self.image.id if self.image else None
        return replace(self.record, spec=self.request.spec, image_id=image_id)


def _anonymous(record: ContainerRecord) -> dict[str, str]:
    """Return the container's anonymous volumes by destination; a replacement goes on using them."""
    named = {mount.source for mount in (record.spec.mounts or {}).values() if mount.kind == "volume"}
    return {path: name for path, name in record.volumes.items() if name not in named}
