# SPDX-License-Identifier: GPL-3.0-or-later
"""Converge one network to a task's wish: observe, decide (plan/network.py), act; check mode does not act."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ...errors import NotFound
from ...model.network.grammar import Asked
from ...model.network.spec import CNI, NetworkRecord
from ...model.values.names import new_id
from ...plan import network as planning
from ...plan.network import Birth, How, NetworkPlan, Now, decide, remade_as
from ...plan.subnets import Taken
from ...state import networks
from ..core.engine import Engine
from ..core.outcome import Outcome
from ..core.sidecars import is_network_kept, keep_network
from ..guard.waste import sweep
from ..inspect.network import network_shape
from . import users
from .create import create_held, refuse_ipv6, with_networks
from .host_network import taken_by_host
from .remove import remove_held

AS_USUAL = How()


def converge_network(engine: Engine, asked: Asked, state: str, how: How = AS_USUAL) -> Outcome:
    """Converge the network to the state. Raises what ``plan.network.decide`` raises, and HostLacks."""
    return _Convergence(engine, asked, state, how).run()


class _Convergence:
    """The convergence of one network: observe, plan, apply."""

    def __init__(self, engine: Engine, asked: Asked, state: str, how: How) -> None:
        self.engine = engine
        self.asked = asked
        self.state = state
        self.how = how
        self.id, self.created = new_id(), time.time_ns()

    @property
    def name(self) -> str:
        return self.asked.spec.name

    def run(self) -> Outcome:
        if not self.engine.predicting:
            users.mend(self.engine)
        plan = self.plan()
        if not self.engine.predicting and (plan.actions or self.is_half_made(plan)):
            self.act()
        if not self.engine.predicting:
            sweep(self.engine)
        return self.outcome(plan)

    def is_half_made(self, plan: NetworkPlan) -> bool:
        """Return whether a killed task left the row without its sidecar."""
        return plan.record is not None and not is_network_kept(self.engine, plan.record)

    def plan(self) -> NetworkPlan:
        host = taken_by_host()
        with self.engine.database.reading() as connection:
            record = networks.by_name(connection, self.name)
            attached = networks.users(connection, record.id) if record else ()
            birth = Birth(self.id, self.created, with_networks(connection, host))
        now = Now(record, tuple(name for _id, name in attached))
        plan = decide(self.asked, self.state, self.how, now, birth)
        if plan.record is not None and _names(plan, planning.ATTACH):
            users.check_remade(self.engine, plan.record)
        if plan.record is not None and any(action.verb == planning.CREATE for action in plan.actions):
            refuse_ipv6(plan.record.subnets)
            self.refuse_plugins(plan.record)
        return plan

    def refuse_plugins(self, record: NetworkRecord) -> None:
        """Raise if a new network's list of CNI plugins, or one of the plugins, is missing.

        In check mode that only causes a warning: an earlier task may install them.
        """
        if record.spec.driver == CNI:
            from ...network import cni
            from ..wiring import plugins

            with self.engine.tolerating():
                cni.refuse_missing(plugins.plugins_of(record))

    def act(self) -> None:
        """Carry out the plan. Containers are locked before networks, so they are detached first."""
        plan = self.plan()
        if _names(plan, planning.ATTACH):
            users.remake(self.engine, self.name, lambda taken: self.remade(plan, taken))
            return
        for name in _names(plan, planning.DETACH):
            users.detach(self.engine, self.name, name)
        with self.engine.lock_network(self.name, f"{self.state} {self.name}"):
            self.apply(self.plan())  # again, now that the lock keeps others from changing it

    def remade(self, plan: NetworkPlan, taken: Taken) -> NetworkRecord:
        """Return the planned record of the network, with its subnets and interface finally chosen."""
        there = next((one for one in taken.networks if one.name == self.name), None)
        if there is None or plan.record is None:
            raise NotFound("network", self.name, remedy="Run the task again")
        return remade_as(there, plan.record.spec, Birth(self.id, self.created, taken))

    def apply(self, plan: NetworkPlan) -> None:
        if plan.record is not None and not plan.actions:
            keep_network(self.engine, plan.record)
        for action in plan.actions:
            if action.verb == planning.REMOVE:
                remove_held(self.engine, self.name)
            elif action.verb == planning.CREATE and plan.record is not None:
                create_held(self.engine, plan.record)
            elif action.verb == planning.UPDATE and plan.record is not None:
                self.update(plan.record)

    def update(self, record: NetworkRecord) -> None:
        with self.engine.database.transaction() as connection:
            networks.update(connection, record)
        keep_network(self.engine, record)
        self.engine.tell("network", "update", record.id, self.name)

    def outcome(self, plan: NetworkPlan) -> Outcome:
        texts = tuple(action.text for action in plan.actions)
        return Outcome(texts, plan.differences, plan.cost, {"network": self.shape(plan)})

    def shape(self, plan: NetworkPlan) -> Mapping[str, Any]:
        with self.engine.database.reading() as connection:
            there = networks.by_name(connection, self.name)
            record = plan.record if self.engine.predicting else there
            attached = networks.attached(connection, there.id) if there else ()
        return network_shape(record, attached) if record else {}


def _names(plan: NetworkPlan, verb: str) -> list[str]:
    return [action.name for action in plan.actions if action.verb == verb]
