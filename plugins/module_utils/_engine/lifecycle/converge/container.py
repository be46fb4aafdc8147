# SPDX-License-Identifier: GPL-3.0-or-later
"""Converge one container to the requested state: observe, decide, act (actions.py); check mode does not act."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from typing import Any

from ...errors import EngineError, NotFound
from ...frozen import replace
from ...model.container import namespaces, status, wired
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
from ..core.images import find_image, mounted_by, named_by
from ..core.outcome import Outcome
from ..core.source import Source
from ..info.inspected import inspected
from ..info.shape import container_shape
from ..inspect.host_facts import look
from .actions import Actions, Found, Progress
from .image import bring_image
from .request import ExitCommand, Request

#: A pending cleanup, or an incomplete removal: it is completed first.
_HALF_WAY = frozenset({status.STOPPED, status.REMOVING})
#: The keys of the unchanged container in the result of a refused task.
_KEPT = ("Id", "Name", "State")


def converge(engine: Engine, request: Request, exit_command: ExitCommand) -> Outcome:
    """Converge the container to the request. Errors in the request are raised before any change."""
    request = _by_name(engine, request)
    # Before any lock or look: a pull may take long, and the container keeps running.
    pulled = bring_image(engine, request)
    request = replace(request, arrives=engine.predicting and bool(pulled.actions))
    what = f"{request.state} {request.name}"
    with nullcontext() if engine.predicting else engine.lock_name(request.name, what):
        outcome = _converge(engine, request, exit_command)
    return replace(
        outcome, actions=(*pulled.actions, *outcome.actions), warnings=(*pulled.warnings, *outcome.warnings)
    )


def _by_name(engine: Engine, request: Request) -> Request:
    """Return the request with the container's name instead of its full id; one with a spec has the name."""
    if request.spec is not None:
        return request
    with engine.database.reading() as connection:
        found = containers.find(connection, request.name)
    return request if found is None else replace(request, name=found.name)


def _converge(engine: Engine, request: Request, exit_command: ExitCommand) -> Outcome:
    for error in request.missing:
        with engine.tolerating():
            raise error
    with engine.timings.of("look"):
        found = _look(engine, request)
    with _adding_container(engine, found):
        plan = _plan(engine, request, found)
        lowered = _check(engine, request, found, plan) if plan.actions else ()
    done = _done(engine, request, found, plan, exit_command)
    outcome = _outcome(engine, request, found, plan, done)
    return replace(outcome, failure=done.failure, warnings=(*_warnings(request, found), *lowered))


def _done(engine: Engine, request: Request, found: Found, plan: Plan, exit_command: ExitCommand) -> Progress:
    """Carry out the plan; in check mode, return its predicted result."""
    if engine.predicting:
        return Progress(_predicted(engine, request, found) if plan.actions else found.record)
    if engine.unrecorded and any(action.verb == planning.REMOVE for action in plan.actions):
        from ..core.emergency import refuse_removal

        refuse_removal(engine, request.name)
    return Actions(engine, request, exit_command, found, plan).apply()


# -- look ------------------------------------------------------------------------------------------


def _look(engine: Engine, request: Request) -> Found:
    """Read the record and correct it by the facts; complete what a killed verb left, except in check mode."""
    found = _read(engine, request)
    if found.record is None:
        return found
    seen = observe(engine, found.record)
    if engine.predicting or not (found.record.intent or seen.status in _HALF_WAY):
        return found._replace(record=seen)
    return _mend(engine, request, found, found.record)


def _read(engine: Engine, request: Request) -> Found:
    image: ImageRecord | None = None
    mounted: Mapping[str, ImageRecord] = {}
    spec = request.spec
    with engine.database.reading() as connection:
        record = containers.by_name(connection, request.name)
        if spec is not None and not spec.rootfs:
            with suppress(NotFound) if request.arrives else engine.tolerating():
                image = find_image(connection, spec.image)
        elif spec is None and record is not None and record.image_id is not None:
            image = images.get(connection, record.image_id)
        if spec is not None:
            with engine.tolerating():
                mounted = named_by(connection, spec)
        elif record is not None:
            mounted = mounted_by(connection, record)
    return Found(image, record, None, mounted)


def _mend(engine: Engine, request: Request, found: Found, record: ContainerRecord) -> Found:
    from ..container.exited import after_end
    from ..container.remove import remove_held
    from ..guard.hold import hold

    with hold(engine, record.id, "recover") as held:
        if held.status == status.REMOVING and request.state != planning.ABSENT:
            remove_held(engine, held, with_volumes=False, keep_row=True)
            return found._replace(replaced=held, record=None)
        # The agent is about to clean up, or was killed.
        return found._replace(record=after_end(engine, held) if held.status == status.STOPPED else held)


# -- decide ----------------------------------------------------------------------------------------


def _plan(engine: Engine, request: Request, found: Found) -> Plan:
    plan = decide(_wish(engine, request, found), found.record, _known_volumes(engine))
    return _with_others(engine, request, found, _with_sources(request, found, plan))


def _wish(engine: Engine, request: Request, found: Found) -> Wish:
    image, record = found.image, found.record
    return Wish(
        request.name,
        request.state,
        request.spec,
        image.id if image else None,
        request.image_strict,
        request.recreate,
        request.force_restart,
        request.force_delete,
        run_once=not request.detach,
        implied=_implied(engine, request, found),
        images={path: mounted.id for path, mounted in found.mounted.items()},
        others=_others(engine, request, found),
        config=config.parse(image.config) if image and record and request.spec else None,
        start_pending=found.replaced is not None and found.replaced.start_pending,
        by_plugins=_has_plugins(engine, request, found),
    )


def _has_plugins(engine: Engine, request: Request, found: Found) -> bool:
    """Return whether CNI plugins are involved in a change of the container's networks."""
    spec, record = request.spec, found.record
    if spec is None or record is None or not wired.differs(record.spec, spec):
        return False
    from ..container.networks import has_plugins

    return has_plugins(engine, record.spec, spec)


def _spec(request: Request, found: Found) -> ContainerSpec | None:
    """Return the wanted spec, or else that of the existing container."""
    return request.spec or (found.record.spec if found.record else None)


def _others(engine: Engine, request: Request, found: Found) -> Mapping[str, str]:
    """Map each container that the specs share a namespace with, named by name or ID, to its name."""
    specs = [spec for spec in (request.spec, found.record.spec if found.record else None) if spec]
    called = {name for spec in specs for _option, name in namespaces.needs(spec)}
    if len(called) < 2:  # one name is itself
        return {}
    with engine.database.reading() as connection:
        known = {name: containers.find(connection, name) for name in called}
    return {name: one.name for name, one in known.items() if one is not None}


def _implied(engine: Engine, request: Request, found: Found) -> Mapping[str, Mount]:
    """Return the mounts that the wanted spec implies; skip the database if it implies none now or before."""
    spec, known = request.spec, found.record.implied if found.record else {}
    if spec is None or not (spec.volumes_from or known or spec.image_volume == TMPFS):
        return known
    from ..resources.implied_mounts import implied_mounts

    source = Source.of(found.image, engine.layout)
    with engine.database.reading() as connection:
        return implied_mounts(connection, spec, source)


def _with_sources(request: Request, found: Found, plan: Plan) -> Plan:
    """Add the directories on the host that must be created before a start."""
    spec = _spec(request, found)
    mounts = (spec.mounts or {}).values() if spec else ()
    if not any("create" in mount.options for mount in mounts):
        return plan
    from ..container.bind_sources import missing

    return planning.with_sources(plan, missing(mounts))


def _with_others(engine: Engine, request: Request, found: Found, plan: Plan) -> Plan:
    """Add the actions on other containers: those that it needs, and those that need it."""
    verbs = {action.verb for action in plan.actions}
    needed: tuple[ContainerRecord, ...] = ()
    dependents: tuple[ContainerRecord, ...] = ()
    if verbs & {planning.CREATE, planning.START, planning.RESTART, planning.REMOVE}:
        from ..core import dependencies

        if planning.CREATE in verbs and request.spec is not None:
            with engine.tolerating():
                dependencies.check(engine, request.spec, found.record.id if found.record else None)
        if verbs & {planning.START, planning.RESTART}:
            with engine.tolerating():
                needed = _needed(engine, request, found, verbs)
        if planning.REMOVE in verbs and found.record is not None:
            with engine.tolerating():
                dependents = _dependents(engine, request, found.record)
    return planning.with_others(plan, [one.name for one in needed], [one.name for one in dependents])


def _needed(engine: Engine, request: Request, found: Found, verbs: set[str]) -> tuple[ContainerRecord, ...]:
    from ..core import dependencies

    spec = request.spec if planning.CREATE in verbs else None
    needed = dependencies.to_start(engine, found.record, spec)
    dependencies.refuse_stuck(request.name, needed)
    if not request.start_dependencies:
        dependencies.refuse_not_running(request.name, needed)
    return needed


def _dependents(engine: Engine, request: Request, record: ContainerRecord) -> tuple[ContainerRecord, ...]:
    from ..core import dependencies

    if request.state != planning.ABSENT:
        dependencies.refuse_shared(engine, record)
        return ()
    if not request.delete_depend:
        dependencies.refuse_needed(engine, record)
    return dependencies.dependents(engine, record.id)


def _known_volumes(engine: Engine) -> frozenset[str]:
    with engine.database.reading() as connection:
        return volumes.names(connection)


# -- refuse ----------------------------------------------------------------------------------------


@contextmanager
def _adding_container(engine: Engine, found: Found) -> Iterator[None]:
    """Add to an error the state of the container, which the task leaves unchanged."""
    try:
        yield
    except EngineError as error:
        if found.record is not None:
            shape = container_shape(found.record, found.image, engine.layout)
            error.fields.setdefault("container", {key: shape[key] for key in _KEPT})
        raise


def _check(engine: Engine, request: Request, found: Found, plan: Plan) -> tuple[str, ...]:
    """Check for errors that would occur later, before the first action and in check mode too; return warnings."""
    verbs = {action.verb for action in plan.actions}
    spec = _spec(request, found)
    lowered: tuple[str, ...] = ()
    if spec is not None and verbs & {planning.CREATE, planning.START, planning.RESTART}:
        lowered = _check_start(engine, spec, found, verbs)
    if spec is not None and planning.UPDATE in verbs and found.record is not None:
        _check_update(engine, found.record, spec, Source.of(found.image, engine.layout, found.mounted))
    if verbs == {planning.PAUSE} and found.record is not None:
        from ..guard.freeze import check_freezer

        check_freezer(found.record)
    return lowered


def _check_start(engine: Engine, spec: ContainerSpec, found: Found, verbs: set[str]) -> tuple[str, ...]:
    from ..preflight.container import check

    there = None if planning.CREATE in verbs else found.record
    if found.record is None and found.replaced is None:
        with engine.database.reading() as connection:
            containers.refuse_id(connection, spec.name)
    source = Source.of(found.image, engine.layout, found.mounted)
    lowered: tuple[str, ...] = ()
    check(engine, spec, source, there)
    with engine.tolerating():
        lowered = (*_lost_volumes(engine, spec, found), *_check_limits(spec))
    if planning.CREATE in verbs and (spec.rootfs or source.image is not None):
        with engine.tolerating():
            _check_new(engine, spec, source, found, verbs)
    return lowered


def _lost_volumes(engine: Engine, spec: ContainerSpec, found: Found) -> tuple[str, ...]:
    """Return warnings about volumes whose data was removed."""
    named = {mount.source for mount in (spec.mounts or {}).values() if mount.kind == VOLUME and mount.source}
    names = {*named, *(found.record.volumes.values() if found.record else ())} & _known_volumes(engine)
    if not names:
        return ()
    from ..volume.lost_data import lost_volumes

    return lost_volumes(engine, names)


def _check_limits(spec: ContainerSpec) -> tuple[str, ...]:
    from ..preflight.limits import check

    return check(spec)


def _check_update(engine: Engine, record: ContainerRecord, spec: ContainerSpec, source: Source) -> None:
    """Refuse limits and networks that can't be applied to the running container."""
    if wired.differs(record.spec, spec):
        from ..container.networks import check

        check(engine, record, spec, source)
    from ..guard.limits import check_alteration
    from ..preflight.limits import check_live

    check_live(spec)
    check_alteration(record, spec)


def _check_new(engine: Engine, spec: ContainerSpec, source: Source, found: Found, verbs: set[str]) -> None:
    """Check a new container against its files; if it replaces a running one, try the runtime's create."""
    from .inside_checks import check_files
    from .prediction import record_to_come

    record = record_to_come(engine, spec, source, found.record or found.replaced)
    with engine.timings.of("check_files"):
        with_program = check_files(engine, record, source, starts=planning.START in verbs)
    if planning.STOP in verbs and found.record is not None and not engine.predicting:
        from .trial import try_create
        from .trial_volumes import try_volumes

        with engine.timings.of("try_volumes"):
            try_volumes(engine, record, found.record)
        try_create(engine, record, source, found.record, with_program=with_program)


# -- report ----------------------------------------------------------------------------------------


def _warnings(request: Request, found: Found) -> tuple[str, ...]:
    """Return a warning about container options in a task without an image, unless the container has them."""
    if not request.aside or found.record is None or request.state == planning.ABSENT:
        return ()
    names = ", ".join(unapplied(found.record.spec, request.aside))
    why = "because a task without image only sets its state"
    return (f"{names}: not applied to container {found.record.name}, {why}",) if names else ()


def _outcome(engine: Engine, request: Request, found: Found, plan: Plan, done: Progress) -> Outcome:
    record = done.record
    spec = record.spec if record else request.spec
    result: dict[str, Any] = {"container": {}, "spec": spec.encode() if spec else {}, **done.extra}
    if record is not None:
        result["container"] = _shape(engine, record, found.image)
    return Outcome(tuple(action.text for action in plan.actions), plan.differences, plan.cost, result)


def _shape(engine: Engine, record: ContainerRecord, image: ImageRecord | None) -> dict[str, Any]:
    with engine.database.reading() as connection:
        return inspected(engine, connection, record, image, look())


def _predicted(engine: Engine, request: Request, found: Found) -> ContainerRecord | None:
    """Return the predicted record, as far as it is known: the existing one with the wanted spec."""
    if request.state == planning.ABSENT or found.record is None:
        return None
    if request.spec is None:
        return found.record
    return replace(
        found.record,
        spec=request.spec,
        image_id=found.image.id if found.image else None,
        implied=dict(_implied(engine, request, found)),
        images={path: image.id for path, image in found.mounted.items()},
    )
