# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring one container to what a task wants: look, decide, act (actions.py); predicting, the last part is left out."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from ...errors import EngineError
from ...model.container import namespaces, status
from ...model.container.spec import ContainerSpec
from ...model.engine.record import ContainerRecord, ImageRecord
from ...model.image import config
from ...model.mounts.mount import TMPFS, VOLUME, Mount
from ...plan import container as planning
from ...plan.container import Plan, Wish, decide
from ...plan.diff import unapplied
from ...state import containers, images, volumes
from ..core.engine import Engine
from ..core.facts import observe
from ..core.health_state import health_of
from ..core.images import find_image, mounted_by, named_by
from ..core.outcome import Outcome
from ..core.source import Source
from ..inspect.host_facts import look
from ..resources.confinement import profile_of
from ..resources.shape import container_shape
from .actions import Actions, Found
from .request import ExitCommand, Request


def converge(engine: Engine, request: Request, exit_command: ExitCommand) -> Outcome:
    """Bring the container to the wish and tell what was done. Raises what is wrong before anything is changed."""
    what = f"{request.state} {request.name}"
    with nullcontext() if engine.predicting else engine.lock_name(request.name, what):
        return _Convergence(engine, request, exit_command).run()


#: An end that was seen and not seen to, a removal that was begun and not finished: the container is mended first.
_HALF_WAY = frozenset({status.STOPPED, status.REMOVING})


#: What a refusal tells of the container that goes on as it was.
_KEPT = ("Id", "Name", "State")


class _Convergence:
    """One look, one plan, one apply; holds what the actions hand on to each other."""

    def __init__(self, engine: Engine, request: Request, exit_command: ExitCommand) -> None:
        self.engine = engine
        self.request = request
        self.exit_command = exit_command
        self.record: ContainerRecord | None = None
        self.image: ImageRecord | None = None
        self.mounted: dict[str, ImageRecord] = {}
        self.replaced: ContainerRecord | None = None
        self.lowered: tuple[str, ...] = ()

    def run(self) -> Outcome:
        for error in self.request.missing:
            with self.engine.tolerating():
                raise error
        with self.engine.timings.of("look"):
            self.look()
        with self.told_of_refusal():
            plan = self.plan()
            if plan.actions:
                self.check(plan)
        if self.engine.predicting:
            return self.outcome(plan, self.predicted())
        if self.engine.unrecorded and any(action.verb == planning.REMOVE for action in plan.actions):
            from ..core.emergency import refuse_removal

            refuse_removal(self.engine, self.request.name)
        found = Found(self.image, self.record, self.replaced, self.mounted)
        acts = Actions(self.engine, self.request, self.exit_command, found)
        acts.apply(plan)
        return replace(self.outcome(plan, acts.record, acts.extra), failure=acts.failure)

    # -- look ----------------------------------------------------------------------------------

    def look(self) -> None:
        """Read the record and correct it by the facts; mend what a killed verb left (not when predicting)."""
        self.record = self.read()
        if self.record is None:
            return
        seen = observe(self.engine, self.record)
        if self.engine.predicting or not (self.record.intent or seen.status in _HALF_WAY):
            self.record = seen
        else:
            self.mend(self.record)

    def read(self) -> ContainerRecord | None:
        with self.engine.database.reading() as connection:
            record = containers.by_name(connection, self.request.name)
            spec = self.request.spec
            if spec is not None and not spec.rootfs:
                with self.engine.tolerating():
                    self.image = find_image(connection, spec.image)
            elif spec is None and record is not None and record.image_id is not None:
                self.image = images.get(connection, record.image_id)
            if spec is not None:
                with self.engine.tolerating():
                    self.mounted = named_by(connection, spec)
            elif record is not None:
                self.mounted = mounted_by(connection, record)
            return record

    def mend(self, record: ContainerRecord) -> None:
        from ..container.exited import after_end
        from ..container.remove import remove_held
        from ..guard.hold import hold

        with hold(self.engine, record.id, "mend") as held:
            # An end that was seen and not seen to: the agent is on its way to do so, or was killed.
            self.record = after_end(self.engine, held) if held.status == status.STOPPED else held
            if held.status == status.REMOVING and self.request.state != planning.ABSENT:
                remove_held(self.engine, held, with_volumes=False, keep_row=True)
                self.replaced, self.record = held, None

    # -- decide --------------------------------------------------------------------------------

    def plan(self) -> Plan:
        plan = decide(self.wish(), self.record, self.known_volumes())
        return self.with_others(self.with_sources(plan))

    def wish(self) -> Wish:
        request = self.request
        return Wish(
            request.name,
            request.state,
            request.spec,
            self.image.id if self.image else None,
            request.image_strict,
            request.recreate,
            request.force_restart,
            request.force_delete,
            run_once=not request.detach,
            implied=self.implied(),
            images={path: image.id for path, image in self.mounted.items()},
            others=self.others(),
            config=config.parse(self.image.config) if self.image and self.record and request.spec else None,
            start_pending=self.replaced is not None and self.replaced.start_pending,
        )

    def others(self) -> Mapping[str, str]:
        """Return the names of the containers whose namespaces are shared, by what the specs call them: names or ids."""
        specs = [spec for spec in (self.request.spec, self.record.spec if self.record else None) if spec]
        called = {name for spec in specs for _option, name in namespaces.needs(spec)}
        if len(called) < 2:  # one name is itself
            return {}
        with self.engine.database.reading() as connection:
            found = {name: containers.find(connection, name) for name in called}
        return {name: one.name for name, one in found.items() if one is not None}

    def implied(self) -> Mapping[str, Mount]:
        """Return the mounts that the spec asked for has of others; nobody asks where none is or was named."""
        spec, known = self.request.spec, self.record.implied if self.record else {}
        if spec is None or not (spec.volumes_from or known or spec.image_volume == TMPFS):
            return known
        from ..resources.implied_mounts import implied_mounts

        source = Source.of(self.image, self.engine.layout)
        with self.engine.database.reading() as connection:
            return implied_mounts(connection, spec, source)

    def with_sources(self, plan: Plan) -> Plan:
        """Add the directories of the host that are to be made before a start."""
        spec = self.request.spec or (self.record.spec if self.record else None)
        mounts = (spec.mounts or {}).values() if spec else ()
        if not any("create" in mount.options for mount in mounts):
            return plan
        from ..container.bind_sources import missing

        return planning.with_sources(plan, missing(mounts))

    def with_others(self, plan: Plan) -> Plan:
        """Add what has to be done to other containers: those that it needs, and those that need it."""
        verbs = {action.verb for action in plan.actions}
        needed: tuple[ContainerRecord, ...] = ()
        dependents: tuple[ContainerRecord, ...] = ()
        if verbs & {planning.CREATE, planning.START, planning.RESTART, planning.REMOVE}:
            from ..core import dependencies

            if planning.CREATE in verbs and self.request.spec is not None:
                with self.engine.tolerating():
                    dependencies.check(
                        self.engine, self.request.spec, self.record.id if self.record else None
                    )
            if verbs & {planning.START, planning.RESTART}:
                with self.engine.tolerating():
                    needed = self.needed(verbs)
            if planning.REMOVE in verbs and self.record is not None:
                with self.engine.tolerating():
                    dependents = self.dependents(self.record)
        return planning.with_others(plan, [one.name for one in needed], [one.name for one in dependents])

    def needed(self, verbs: set[str]) -> tuple[ContainerRecord, ...]:
        from ..core import dependencies

        spec = self.request.spec if planning.CREATE in verbs else None
        needed = dependencies.to_start(self.engine, self.record, spec)
        dependencies.refuse_stuck(self.request.name, needed)
        if not self.request.start_dependencies:
            dependencies.refuse_not_running(self.request.name, needed)
        return needed

    def dependents(self, record: ContainerRecord) -> tuple[ContainerRecord, ...]:
        from ..core import dependencies

        if self.request.state != planning.ABSENT:
            dependencies.refuse_shared(self.engine, record)
            return ()
        if not self.request.delete_depend:
            dependencies.refuse_needed(self.engine, record)
        return dependencies.dependents(self.engine, record.id)

    def known_volumes(self) -> frozenset[str]:
        with self.engine.database.reading() as connection:
            return volumes.names(connection)

    def warnings(self) -> tuple[str, ...]:
        """Return what is to be said of options that describe a container in a task that does not, unless it is so."""
        if not self.request.aside or self.record is None or self.request.state == planning.ABSENT:
            return ()
        names = ", ".join(unapplied(self.record.spec, self.request.aside))
        why = "since a task without image names only its state"
        return (f"{names}: not applied to container {self.record.name}, {why}",) if names else ()

    @contextmanager
    def told_of_refusal(self) -> Iterator[None]:
        """Add to an error how the container is that the task leaves as it was."""
        try:
            yield
        except EngineError as error:
            if self.record is not None:
                shape = container_shape(self.record, self.image, self.engine.layout)
                error.fields.setdefault("container", {key: shape[key] for key in _KEPT})
            raise

    def check(self, plan: Plan) -> None:
        """Refuse what could only fail later, before the first action (and when predicting)."""
        verbs = {action.verb for action in plan.actions}
        spec = self.request.spec or (self.record.spec if self.record else None)
        if spec is not None and verbs & {planning.CREATE, planning.START, planning.RESTART}:
            from ..preflight.container import check

            there = None if planning.CREATE in verbs else self.record
            if self.record is None and self.replaced is None:
                with self.engine.database.reading() as connection:
                    containers.refuse_id(connection, spec.name)
            source = Source.of(self.image, self.engine.layout, self.mounted)
            check(self.engine, spec, source, there)
            with self.engine.tolerating():
                self.lowered = (*self.lost_volumes(spec), *self.check_limits(spec))
            if planning.CREATE in verbs and (spec.rootfs or source.image is not None):
                with self.engine.tolerating():
                    starts = planning.START in verbs
                    self.check_new(spec, source, starts=starts, replaces_running=planning.STOP in verbs)
        if spec is not None and planning.UPDATE in verbs and self.record is not None:
            self.check_update(self.record, spec)
        if verbs == {planning.PAUSE} and self.record is not None:
            from ..guard.freeze import check_freezer

            check_freezer(self.record)

    def lost_volumes(self, spec: ContainerSpec) -> tuple[str, ...]:
        """Return warnings of volumes whose data somebody has removed."""
        named = {
            mount.source for mount in (spec.mounts or {}).values() if mount.kind == VOLUME and mount.source
        }
        names = {*named, *(self.record.volumes.values() if self.record else ())} & self.known_volumes()
        if not names:
            return ()
        from ..volume.lost import lost_volumes

        return lost_volumes(self.engine, names)

    @staticmethod
    def check_limits(spec: ContainerSpec) -> tuple[str, ...]:
        from ..preflight.limits import check

        return check(spec)

    def check_update(self, record: ContainerRecord, spec: ContainerSpec) -> None:
        """Refuse limits that the container, as it runs, can't be given."""
        from ..guard.limits import check_alteration
        from ..preflight.limits import check_live

        check_live(spec)
        check_alteration(record, spec)

    def check_new(self, spec: ContainerSpec, source: Source, *, starts: bool, replaces_running: bool) -> None:
        """Look into the files of a new container; where one runs that it is to replace, have the runtime make it beside that."""
        from .foreseen import record_to_come
        from .inside_checks import check_files

        record = record_to_come(self.engine, spec, source, self.record or self.replaced)
        with self.engine.timings.of("check_files"):
            with_program = check_files(self.engine, record, source, starts=starts)
        if replaces_running and self.record is not None and not self.engine.predicting:
            from .trial import try_create
            from .trial_volumes import try_volumes

            with self.engine.timings.of("try_volumes"):
                try_volumes(self.engine, record, self.record)
            try_create(self.engine, record, source, self.record, with_program=with_program)

    # -- tell ----------------------------------------------------------------------------------

    def outcome(
        self, plan: Plan, record: ContainerRecord | None, extra: Mapping[str, Any] = MappingProxyType({})
    ) -> Outcome:
        spec = record.spec if record else self.request.spec
        result: dict[str, Any] = {"container": {}, "spec": spec.encode() if spec else {}, **extra}
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
                apparmor=profile_of(record),
                host=look(),
            )
        actions = tuple(action.text for action in plan.actions)
        return Outcome(actions, plan.differences, plan.cost, result, warnings=self.warnings() + self.lowered)

    def predicted(self) -> ContainerRecord | None:
        """Return the record as far as it can be known beforehand: what is there, with the spec as wanted."""
        if self.request.state == planning.ABSENT or self.record is None:
            return None
        if self.request.spec is None:
            return self.record
        return replace(
            self.record,
            spec=self.request.spec,
            image_id=self.image.id if self.image else None,
            implied=dict(self.implied()),
            images={path: image.id for path, image in self.mounted.items()},
        )
