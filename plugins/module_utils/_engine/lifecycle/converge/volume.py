# SPDX-License-Identifier: GPL-3.0-or-later
"""Converge one named volume to a task's wish: observe, decide (plan/volume.py), act; check mode does not act.

Only ``absent`` and an explicit ``recreate`` remove data (design promise 3).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from ...frozen import replace
from ...model.volume.spec import VolumeRecord, VolumeSpec
from ...plan import volume as planning
from ...plan.container import ABSENT, Action
from ...plan.volume import AS_USUAL, How, VolumePlan, decide
from ...state import volumes
from ...volumes import directory, snapshots
from ..core.engine import Engine
from ..core.outcome import Outcome
from ..core.sidecars import keep_volume
from ..guard.waste import sweep
from ..inspect.volume import volume_shape
from ..inspect.volume_content import content_shape
from ..resources.volume import discard_held, ensure_held, get_volume
from ..resources.volume_facts import facts_of, holding
from ..volume.lost_data import lost_volumes


def converge_volume(engine: Engine, spec: VolumeSpec, state: str, how: How = AS_USUAL) -> Outcome:
    """Converge the volume to the state. Raises InUse with its users, and what ``volume_options`` raises."""
    return _Convergence(engine, spec, state, how).run()


class _Convergence:
    """The convergence of one volume: observe, plan, apply."""

    def __init__(self, engine: Engine, spec: VolumeSpec, state: str, how: How) -> None:
        self.engine = engine
        self.wanted = VolumeRecord(spec, time.time_ns())
        self.state = state
        self.how = how

    @property
    def name(self) -> str:
        return self.wanted.spec.name

    def run(self) -> Outcome:
        plan = self.plan()
        users = [action for action in plan.actions if action.verb == planning.REMOVE_USER]
        missing = () if self.state == ABSENT else lost_volumes(self.engine, (self.name,))
        told = [*(self.without(users) if users else []), *self.lost(plan)]
        if not self.engine.predicting and (plan.actions or self.is_half_made(plan)):
            with self.engine.lock_volume(self.name, f"{self.state} {self.name}"):
                plan = self.plan()  # again, now that the lock keeps others from changing it
                self.apply(plan)
            sweep(self.engine)
        own = [action.text for action in plan.actions if action.verb != planning.REMOVE_USER]
        outcome = self.outcome(plan, (*told, *own))
        return replace(outcome, warnings=(*outcome.warnings, *missing))

    def plan(self) -> VolumePlan:
        with self.engine.database.reading() as connection:
            record = volumes.get(connection, self.name)
            known = [one.spec.name for one in volumes.all(connection)] if record is None else []
            seen = facts_of(self.engine, connection, self.name)
        if record is not None and not seen.mounted:
            seen = seen._replace(holding=holding(self.engine, self.name))
        plan = decide(self.wanted, self.state, self.how, record, seen, known=known)
        self.check(plan)
        return plan

    def lost(self, plan: VolumePlan) -> list[str]:
        """Return a text about each snapshot that is removed with the volume."""
        if not any(action.verb == planning.REMOVE for action in plan.actions):
            return []
        kept = snapshots.read(self.engine.layout.volume(self.name))
        return [f"removed snapshot {one.name} of volume {self.name}" for one in kept]

    def check(self, plan: VolumePlan) -> None:
        """Raise what would fail later; options that do not change were checked before."""
        verbs = {action.verb for action in plan.actions}
        altered = any(one.option.startswith("options.") for one in plan.differences)
        if plan.record is not None and (altered or verbs & {planning.CREATE, planning.MOUNT}):
            from ..resources.volume_options import check

            with self.engine.tolerating():
                check(self.engine, self.name, plan.record.spec.driver_options)

    def is_half_made(self, plan: VolumePlan) -> bool:
        """Return whether a killed task left the row without its directory."""
        return plan.record is not None and not directory.is_made(self.engine.layout.volumes, self.name)

    def without(self, users: list[Action]) -> list[str]:
        """Remove the containers that use the volume, as podman does with --force; return what was done."""
        from .volume_users import remove_users

        return remove_users(self.engine, [action.name for action in users])

    # -- act -------------------------------------------------------------------------------------

    def apply(self, plan: VolumePlan) -> None:
        acts: Mapping[str, Callable[[VolumeRecord], None]] = {
            planning.CREATE: lambda record: ensure_held(self.engine, record),
            planning.UPDATE: self.update,
            planning.MOUNT: self.mount,
            planning.UNMOUNT: self.unmount,
        }
        for action in plan.actions:
            if action.verb == planning.REMOVE:
                discard_held(self.engine, self.name)
            elif plan.record is not None and action.verb in acts:
                acts[action.verb](plan.record)
        if self.is_half_made(plan) and plan.record is not None:
            ensure_held(self.engine, plan.record)

    def update(self, record: VolumeRecord) -> None:
        from ..volume.alter import alter

        alter(self.engine, record)

    def mount(self, record: VolumeRecord) -> None:
        from ..resources.volume_mount import ensure

        self.save(record)  # the wish first, so that a kill leaves no unrecorded mount
        ensure(self.engine, record)
        self.engine.tell("volume", "mount", self.name, self.name)

    def unmount(self, record: VolumeRecord) -> None:
        from ..resources.volume_mount import give_back

        self.save(record)
        give_back(self.engine, self.name)
        self.engine.tell("volume", "unmount", self.name, self.name)

    def save(self, record: VolumeRecord) -> None:
        with self.engine.database.transaction() as connection:
            volumes.update(connection, record)
        keep_volume(self.engine, record.spec.name)

    # -- report ----------------------------------------------------------------------------------

    def outcome(self, plan: VolumePlan, actions: tuple[str, ...]) -> Outcome:
        found = plan.differences
        shape = self.shape(plan)
        result = {"volume": shape, "mount_point": shape.get("Mountpoint", "")}
        return Outcome(actions, found, "live" if found else "", result, warnings=plan.warnings)

    def shape(self, plan: VolumePlan) -> Mapping[str, Any]:
        record = plan.record if self.engine.predicting else get_volume(self.engine, self.name)
        if record is None:
            return {}
        with self.engine.database.reading() as connection:
            seen = facts_of(self.engine, connection, self.name)
        shape = volume_shape(record, self.engine.layout, seen)
        return {**shape, **content_shape(self.engine.layout.volume(self.name))}
