# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide which actions a task takes on a container; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from ..errors import Missing, Setting, Words, WrongState
from ..model.container import status, wired
from ..model.container.namespaces import with_names
from ..model.container.option import RECREATE
from ..model.container.spec import ContainerSpec
from ..model.engine.record import ContainerRecord
from ..model.image.config import ImageConfig
from ..model.mounts.mount import VOLUME, Mount
from .boot import will_start
from .diff import Difference, differences, image_difference, implied_differences, mounted_differences

#: The actions of a plan; lifecycle/converge/actions.py performs them.
CREATE_VOLUME = "create_volume"
CREATE = "create"
#: Create a directory on the host to be mounted.
CREATE_SOURCE = "create_source"
UPDATE = "update"
#: Start another container, which this one requires.
START_NEEDED = "start_needed"
#: Remove another container, which requires this one.
REMOVE_DEPENDENT = "remove_dependent"
START = "start"
STOP = "stop"
RESTART = "restart"
PAUSE = "pause"
UNPAUSE = "unpause"
REMOVE = "remove"

ABSENT, PRESENT, CREATED, STARTED, STOPPED = "absent", "present", "created", "started", "stopped"
HEALTHY, PAUSED, RESTARTED = "healthy", "paused", "restarted"
STATES = (ABSENT, PRESENT, CREATED, STARTED, STOPPED, HEALTHY, PAUSED, RESTARTED)
#: States with a process. *healthy* is *started*, but the task also waits (lifecycle/container/ready.py).
LIVING = frozenset({STARTED, HEALTHY, PAUSED, RESTARTED})
#: States in which a container may or may not run: one that ran keeps running, even if an earlier task failed to restart it.
_LEAVING = (PRESENT, CREATED)


class Wish(NamedTuple):
    """A task's request. ``spec`` None: only the state is requested. ``image_id``: the image that the name refers to now.

    ``implied``: the current value for ContainerRecord.implied. ``images``: the IDs of mounted images, by destination.
    ``start_pending``: a task that was to recreate and start the container was killed after it had removed it.
    ``by_plugins``: the container is in a network of CNI plugins, so that any change of its networks recreates it.
    ``config``: the image's, None for a plain directory. ``others``: the names of other containers, by name or ID in the spec.
    """

    name: str
    state: str
    spec: ContainerSpec | None = None
    image_id: str | None = None
    image_strict: bool = False
    recreate: bool = False
    force_restart: bool = False
    force_delete: bool = True
    run_once: bool = False
    implied: Mapping[str, Mount] = MappingProxyType({})
    images: Mapping[str, str] = MappingProxyType({})
    config: ImageConfig | None = None
    start_pending: bool = False
    by_plugins: bool = False
    others: Mapping[str, str] = MappingProxyType({})


class Action(NamedTuple):
    """An action: ``verb`` (see above), ``name`` of the object, ``text`` for the play's output."""

    verb: str
    name: str
    text: str


class Plan(NamedTuple):
    """The actions, in order, and the differences that cause them."""

    actions: tuple[Action, ...] = ()
    differences: tuple[Difference, ...] = ()
    cost: str = ""


def decide(wish: Wish, record: ContainerRecord | None, volumes: frozenset[str]) -> Plan:
    """Return the plan that leads from ``record`` (corrected by the facts) and the existing volumes to the wish.

    Raises WrongState if a running container would have to be removed without force, Missing if there is no image to
    create a container from.
    """
    if record is not None and record.status == status.REMOVING and wish.state != ABSENT:
        wish, record = wish._replace(start_pending=record.start_pending), None
    if wish.state == ABSENT:
        return Plan(_away(wish, record) if record else ())
    if record is None:
        return Plan(_fresh(wish, volumes))
    found = _differences(wish, record)
    if wish.recreate or any(item.change == RECREATE for item in found):
        return Plan(_again(wish, record, volumes), found, "recreate")
    update = (Action(UPDATE, wish.name, f"updated {wish.name}"),) if found else ()
    motion = _state(wish, record)
    return Plan(update + motion, found, _cost(found, motion))


def _cost(found: Sequence[Difference], motion: Sequence[Action]) -> str:
    """Return the cost of the differences for a container that is not recreated: a restart if one is planned, else live."""
    verbs = {action.verb for action in motion}
    if not found:
        return ""
    return "restart" if RESTART in verbs or {STOP, START} <= verbs else "live"


def _differences(wish: Wish, record: ContainerRecord) -> tuple[Difference, ...]:
    if wish.spec is None:
        return ()
    image = image_difference(record.spec, wish.spec, record.image_id, wish.image_id, strict=wish.image_strict)
    before, after = (with_names(spec, wish.others) for spec in (record.spec, wish.spec))
    found = image + tuple(_by_plugins(wish, one) for one in differences(before, after, wish.config))
    names = {mount.destination: mount.source for mount in (wish.spec.mounts or {}).values()}
    found += mounted_differences(record.images, wish.images, found, names)
    return found + implied_differences(record.implied, wish.implied, found)


def _by_plugins(wish: Wish, one: Difference) -> Difference:
    return one._replace(change=RECREATE) if wish.by_plugins and wired.decides(one.option) else one


def _away(wish: Wish, record: ContainerRecord) -> tuple[Action, ...]:
    remove = Action(REMOVE, wish.name, f"removed {wish.name}")
    if record.status not in status.ALIVE:
        return (remove,)
    if not wish.force_delete:
        raise WrongState(
            f"container {wish.name} is {record.status} and cannot be removed",
            remedy=Words("Stop it first, or write ", Setting("force_delete", True)),
            name=wish.name,
            status=record.status,
        )
    return _stop(wish.name), remove


def _fresh(wish: Wish, volumes: frozenset[str]) -> tuple[Action, ...]:
    if wish.spec is None:
        raise Missing(
            "image",
            None,
            f"is required to create container {wish.name}, which does not exist",
            remedy="Name the image to create it from",
        )
    made = _missing_volumes(wish.spec, volumes)
    create = Action(CREATE, wish.name, f"created {wish.name}")
    begins = wish.state in LIVING or (wish.start_pending and wish.state in _LEAVING)
    return (*made, create, *_begin(wish)) if begins else (*made, create)


def _missing_volumes(spec: ContainerSpec, volumes: frozenset[str]) -> tuple[Action, ...]:
    mounts = (mount for mount in (spec.mounts or {}).values() if mount.kind == VOLUME and mount.source)
    wanted = {mount.source for mount in mounts if "nocreate" not in mount.options}
    return tuple(Action(CREATE_VOLUME, name, f"created volume {name}") for name in sorted(wanted - volumes))


def _again(wish: Wish, record: ContainerRecord, volumes: frozenset[str]) -> tuple[Action, ...]:
    spec = wish.spec or record.spec
    alive = record.status in status.ALIVE
    actions = [*_missing_volumes(spec, volumes)]
    if alive:
        actions.append(_stop(wish.name))
    actions += [
        Action(REMOVE, wish.name, f"removed {wish.name}"),
        Action(CREATE, wish.name, f"created {wish.name}"),
    ]
    if wish.state in LIVING or ((alive or record.start_pending) and wish.state in _LEAVING):
        actions += _begin(wish)
    return tuple(actions)


def _state(wish: Wish, record: ContainerRecord) -> tuple[Action, ...]:
    alive = record.status in status.ALIVE
    if wish.state == STOPPED:
        # A pending restart, and the start at the next boot, must be cancelled too.
        return (_stop(wish.name),) if alive or record.start_pending or will_start(record) else ()
    if wish.state == RESTARTED and alive:
        return (Action(RESTART, wish.name, f"restarted {wish.name}"),)
    if wish.force_restart or (wish.run_once and alive and wish.state == STARTED):
        return (_stop(wish.name), *_begin(wish)) if alive else _begin(wish)
    if wish.state in _LEAVING and record.start_pending and not alive:
        return _begin(wish)
    if wish.state not in LIVING:
        return ()
    return _motion(wish, record) if alive else _begin(wish)


def _motion(wish: Wish, record: ContainerRecord) -> tuple[Action, ...]:
    """Return the actions that pause or unpause a container that is alive."""
    if (wish.state == PAUSED) == (record.status == status.PAUSED):
        return ()
    return (_pause(wish.name),) if wish.state == PAUSED else (_unpause(wish.name),)


def _begin(wish: Wish) -> tuple[Action, ...]:
    """Return the actions that start a container that is not alive."""
    return (_start(wish.name), _pause(wish.name)) if wish.state == PAUSED else (_start(wish.name),)


def _start(name: str) -> Action:
    return Action(START, name, f"started {name}")


def _stop(name: str) -> Action:
    return Action(STOP, name, f"stopped {name}")


def _pause(name: str) -> Action:
    return Action(PAUSE, name, f"paused {name}")


def _unpause(name: str) -> Action:
    return Action(UNPAUSE, name, f"unpaused {name}")


def with_others(plan: Plan, needed: Sequence[str], dependents: Sequence[str]) -> Plan:
    """Return the plan with the removal of ``dependents`` first, and starts of ``needed`` before the container's start."""
    removals = tuple(Action(REMOVE_DEPENDENT, name, f"removed {name}") for name in dependents)
    begun = _before_start(plan, [Action(START_NEEDED, name, f"started {name}") for name in needed])
    return begun._replace(actions=removals + begun.actions)


def with_sources(plan: Plan, missing: Sequence[str]) -> Plan:
    """Return the plan with the creation of directories that a start needs."""
    return _before_start(plan, [Action(CREATE_SOURCE, path, f"created directory {path}") for path in missing])


def _before_start(plan: Plan, actions: Sequence[Action]) -> Plan:
    """Return the plan with actions that a start needs, placed before the stop, so that their failure leaves it running."""
    verbs = [one.verb for one in plan.actions]
    begun = [place for place, verb in enumerate(verbs) if verb in (START, RESTART)]
    if not begun:
        return plan
    place = verbs.index(STOP) if STOP in verbs else begun[0]
    return plan._replace(actions=(*plan.actions[:place], *actions, *plan.actions[place:]))


def replaced_from(plan: Plan) -> int | None:
    """Return the index of the action that takes down a container to be recreated and started, None for other plans."""
    verbs = [one.verb for one in plan.actions]
    if not {REMOVE, CREATE, START} <= {*verbs}:
        return None
    return min(verbs.index(verb) for verb in (STOP, REMOVE) if verb in verbs)
