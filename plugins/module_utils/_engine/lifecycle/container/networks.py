# SPDX-License-Identifier: GPL-3.0-or-later
"""Alter what a container has of networks as a task wants it, without starting it anew."""

from __future__ import annotations

from ...model.container import networks, wired
from ...model.container.spec import ContainerSpec
from ...model.engine.record import ContainerRecord
from ...model.network.spec import CNI
from ...state import networks as rows
from ..core.engine import Engine
from ..core.source import Source


def has_plugins(engine: Engine, *specs: ContainerSpec) -> bool:
    """Tell whether one of the networks that specs want is one of plugins (CNI)."""
    with engine.database.reading() as connection:
        found = [rows.find(connection, want.name) for spec in specs for want in networks.wanted(spec)]
    return any(network is not None and network.spec.driver == CNI for network in found)


def check(engine: Engine, record: ContainerRecord, spec: ContainerSpec, source: Source) -> None:
    """Raise what ``alter`` would only find out when something is changed; changes nothing."""
    if networks.has_networks(spec):
        from ..wiring.check import check as check_networks

        check_networks(engine, spec, source, record)


def alter(engine: Engine, record: ContainerRecord, spec: ContainerSpec, source: Source) -> ContainerRecord:
    """Give the container what the spec wants of networks, and nothing else of it; its lock is held.

    Raises as ``wiring.rewire.alter``.
    """
    from ..wiring import rewire

    if networks.DEFAULT in (one.name for one in networks.wanted(spec)):
        from ..network.create import default

        default(engine)
    return rewire.alter(engine, record, wired.rewired(record.spec, spec), source.config)
