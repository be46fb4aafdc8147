# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide which actions a task takes on a volume; pure. Only ``absent`` and ``recreate`` delete data."""

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

#: The actions of a plan; lifecycle/converge/volume.py performs them.
REMOVE_USER = "remove_user"
REMOVE = "remove"
CREATE = "create"
UPDATE = "update"
MOUNT = "mount"
UNMOUNT = "unmount"

#: Options that determine the mount: while it is mounted or in use, a change would apply to some users and not to others.
_MOUNTING = ("type", "device", "o")


class How(NamedTuple):
    """Options of a task. ``unset``: what the task leaves unset, so that an existing volume keeps it (labels, options)."""

    unset: frozenset[str] = frozenset()
    recreate: bool = False
    force: bool = False


#: The default options.
AS_USUAL = How()


class VolumePlan(NamedTuple):
    """The actions, in order; ``record`` is the resulting volume, None if it is removed; ``warnings`` concern its data."""

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
    """Return the plan. ``wanted``: the record of a new volume; ``known``: names of all volumes, for error messages.

    Raises InUse, naming the containers that use it, or NotFound for unmounting a volume that does not exist.
    """
    there = record is not None and not record.removing
    if state == ABSENT:
        return VolumePlan(_removal(record, how, seen)) if record else VolumePlan()
    if state == UNMOUNTED and not there:
        raise NotFound(
            "volume", wanted.spec.name, near=near(wanted.spec.name, known), remedy="Create it first"
        )
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
    """Return the requested spec, with unset options taken from the existing volume."""
    labels = before.labels if "labels" in unset else wanted.labels
    # Owner and mode are separate options, and may be set without the others.
    options = {**before.options, **wanted.options} if "options" in unset else wanted.options
    return replace(wanted, labels=labels, options=options)


def _removal(record: VolumeRecord, how: How, seen: VolumeFacts) -> tuple[Action, ...]:
    name = record.spec.name
    if seen.users and not how.force:
        raise InUse(
            f"volume {name} is used by {', '.join(seen.users)}",
            remedy=Words(
                "Remove these containers first, or write ", Setting("force", True), " to remove them"
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
    """Return the fate of the data of a recreated volume, including hidden data of the plain directory."""
    options = record.spec.driver_options
    if not options.is_mounted_apart or options.type in IN_MEMORY:
        return ", and its data"
    below = f", and the content of {seen.holding}" if seen.holding else ""
    return f", whose data stays on {options.device}{below}"


def _fresh(record: VolumeRecord, state: str, actions: tuple[Action, ...]) -> VolumePlan:
    mount = _mount(record, state, None, UNSEEN)
    return VolumePlan((*actions, *mount), replace(record, mounted=bool(mount)))


def _mount(
    record: VolumeRecord, state: str, before: VolumeRecord | None, seen: VolumeFacts
) -> tuple[Action, ...]:
    """Return the action that mounts the volume for the user, if it is needed; a plain directory is accessible anyway."""
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
    """Return the action that reverts ``mounted``; the volume stays mounted while running containers use it."""
    name = before.spec.name
    if state != UNMOUNTED or not (before.mounted or (seen.mounted and not seen.living)):
        return ()
    kept = f", but {', '.join(seen.living)} still uses it" if seen.living else ""
    return (Action(UNMOUNT, name, f"unmounted volume {name}{kept}"),)


def _compared(spec: VolumeSpec) -> dict[str, object]:
    return {"labels": dict(spec.labels), "options": dict(spec.options)}


def _refuse_mounted(
    record: VolumeRecord, found: Sequence[Difference], seen: VolumeFacts, fate_of_data: str
) -> None:
    """Check that a mounted volume keeps its mount options, because a change would not reach current users. Raises InUse."""
    changed = [one.option for one in found if one.option.removeprefix("options.") in _MOUNTING]
    if not changed or not (seen.living or seen.mounted):
        return
    name = record.spec.name
    told = f"used by {', '.join(seen.living)}" if seen.living else "mounted on the host"
    then = f". Then {fate_of_data}" if fate_of_data else ""
    raise InUse(
        f"{', '.join(changed)} of volume {name} cannot be changed while it is {told}",
        remedy=f"Stop these containers first{then}"
        if seen.living
        else Words("Write ", Setting("state", "unmounted"), f" first{then}"),
        name=name,
        users=[*seen.living],
        options=changed,
    )
