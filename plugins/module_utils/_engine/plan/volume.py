# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide what has to be done to a volume; pure. Nothing deletes data but ``absent``, and a ``recreate`` that was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..errors import InUse, NotFound, Setting, Words
from ..frozen import replace
from ..model.values.names import near
from ..model.volume.options import IN_MEMORY
from ..model.volume.spec import UNSEEN, VolumeFacts, VolumeRecord, VolumeSpec
from .container import ABSENT, PRESENT, Action
from .diff import Difference, text_differences
from .volumedata import fate

MOUNTED, UNMOUNTED = "mounted", "unmounted"
STATES = (PRESENT, ABSENT, MOUNTED, UNMOUNTED)

#: What a plan is made of; lifecycle/converge/volume.py carries each out.
REMOVE_USER = "remove_user"
REMOVE = "remove"
CREATE = "create"
UPDATE = "update"
MOUNT = "mount"
UNMOUNT = "unmount"

#: Options that say what is mounted, and how: while it is mounted or in use a change would hold for some and not for others.
_MOUNTING = ("type", "device", "o")


class How(NamedTuple):
    """How a task wants it done. ``unset``: what it does not say, so that an existing volume keeps it (labels, options)."""

    unset: frozenset[str] = frozenset()
    recreate: bool = False
    force: bool = False


#: As a task does that says no more than what it wants.
AS_USUAL = How()


class VolumePlan(NamedTuple):
    """What is to be done, in order; ``record`` is what comes of the volume, None: nothing. ``warnings`` tell of its data."""

    actions: tuple[Action, ...] = ()
    record: VolumeRecord | None = None
    differences: tuple[Difference, ...] = ()
    warnings: tuple[str, ...] = ()


def decide(
    wanted: VolumeRecord,
    state: str,
    how: How,
    record: VolumeRecord | None,
    seen: VolumeFacts,
    *,
    known: Sequence[str] = (),
) -> VolumePlan:
    """Return the plan. ``wanted`` is the volume as a new one; ``known``: names of all volumes, for an error's text.

    Raises InUse naming the containers in the way, NotFound for what can't be unmounted.
    """
    there = record is not None and not record.removing
    if state == ABSENT:
        return VolumePlan(_removal(record, how, seen)) if record else VolumePlan()
    if state == UNMOUNTED and not there:
        raise NotFound("volume", wanted.spec.name, near=near(wanted.spec.name, known), remedy="Make it first")
    if record is None or record.removing:
        return _fresh(
            wanted, state, (Action(CREATE, wanted.spec.name, f"created volume {wanted.spec.name}"),)
        )
    after = replace(record, spec=merged(record.spec, wanted.spec, how.unset))
    if how.recreate:
        gone = _removal(record, how, seen)
        again = Action(CREATE, record.spec.name, f"created volume {record.spec.name}")
        wish = MOUNTED if record.mounted and state == PRESENT else state
        return _fresh(replace(wanted, spec=after.spec), wish, (*gone, again))
    return _altered(record, after, state, seen)


def merged(before: VolumeSpec, wanted: VolumeSpec, unset: frozenset[str]) -> VolumeSpec:
    """Return the spec as wanted, with what an existing volume keeps where the task does not say it."""
    labels = before.labels if "labels" in unset else wanted.labels
    # Owner and mode are options of their own, and may be said without the others.
    options = {**before.options, **wanted.options} if "options" in unset else wanted.options
    return replace(wanted, labels=labels, options=options)


def _removal(record: VolumeRecord, how: How, seen: VolumeFacts) -> tuple[Action, ...]:
    name = record.spec.name
    if seen.users and not how.force:
        raise InUse(
            f"volume {name} is used by {', '.join(seen.users)}",
            remedy=Words(
                "Remove these containers first, or write ", Setting("force", True), ", which does so"
            ),
            name=name,
            users=[*seen.users],
        )
    users = tuple(Action(REMOVE_USER, user, f"removed container {user}") for user in seen.users)
    return (
        *users,
        Action(REMOVE, name, f"removed volume {name}{_lost(record, seen) if how.recreate else ''}"),
    )


def _lost(record: VolumeRecord, seen: VolumeFacts) -> str:
    """Return what becomes of the data of a volume that is made anew, that of its time as a plain directory too."""
    options = record.spec.driver_options
    if not options.is_mounted_apart or options.type in IN_MEMORY:
        return ", and its data"
    below = f", and what {seen.holding} holds" if seen.holding else ""
    return f", whose data stays on {options.device}{below}"


def _fresh(record: VolumeRecord, state: str, actions: tuple[Action, ...]) -> VolumePlan:
    mount = _mount(record, state, None, UNSEEN)
    return VolumePlan((*actions, *mount), replace(record, mounted=bool(mount)))


def _mount(
    record: VolumeRecord, state: str, before: VolumeRecord | None, seen: VolumeFacts
) -> tuple[Action, ...]:
    """Return what mounts the volume for its user, unless it is; a plain directory can be reached anyway."""
    name = record.spec.name
    done = before is not None and before.mounted and seen.mounted
    if state != MOUNTED or done or not record.spec.driver_options.is_mounted_apart:
        return ()
    return (Action(MOUNT, name, f"mounted volume {name}"),)


def _altered(before: VolumeRecord, after: VolumeRecord, state: str, seen: VolumeFacts) -> VolumePlan:
    found = text_differences(_compared(before.spec), _compared(after.spec))
    name = before.spec.name
    told = fate(name, before.spec.driver_options, after.spec.driver_options, seen.holding)
    _refuse_mounted(before, found, seen, told)
    update = (Action(UPDATE, name, f"updated volume {name}"),) if found else ()
    mount = _mount(after, state, before, seen)
    apart = after.spec.driver_options.is_mounted_apart
    wish = state == MOUNTED or (before.mounted and state != UNMOUNTED)
    return VolumePlan(
        (*update, *mount, *_unmount(before, state, seen)),
        replace(after, mounted=wish and apart),
        found,
        (told,) if told else (),
    )


def _unmount(before: VolumeRecord, state: str, seen: VolumeFacts) -> tuple[Action, ...]:
    """Return what takes the user's wish back; while containers live with the volume, it stays mounted for them."""
    name = before.spec.name
    if state != UNMOUNTED or not (before.mounted or (seen.mounted and not seen.living)):
        return ()
    kept = f", which {', '.join(seen.living)} goes on using" if seen.living else ""
    return (Action(UNMOUNT, name, f"unmounted volume {name}{kept}"),)


def _compared(spec: VolumeSpec) -> dict[str, object]:
    return {"labels": dict(spec.labels), "options": dict(spec.options)}


def _refuse_mounted(
    record: VolumeRecord, found: Sequence[Difference], seen: VolumeFacts, fate_of_data: str
) -> None:
    """Refuse to alter what is mounted: other options would hold for whoever comes next, and not for who is there."""
    changed = [one.option for one in found if one.option.removeprefix("options.") in _MOUNTING]
    if not changed or not (seen.living or seen.mounted):
        return
    name = record.spec.name
    told = f"used by {', '.join(seen.living)}" if seen.living else "mounted on the host"
    then = f". Then {fate_of_data}" if fate_of_data else ""
    raise InUse(
        f"{', '.join(changed)} of volume {name} can't be altered while it is {told}",
        remedy=f"Stop these containers first{then}"
        if seen.living
        else Words("Write ", Setting("state", "unmounted"), f" first{then}"),
        name=name,
        users=[*seen.living],
        options=changed,
    )
