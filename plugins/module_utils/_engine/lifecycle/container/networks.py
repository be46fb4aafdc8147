# SPDX-License-Identifier: GPL-3.0-or-later
"""Change a container's networks to those that a task wants, without a restart."""

from __future__ import annotations

from ...model.container import networks, wired
from ...model.container.spec import ContainerSpec
from ...model.engine.record import ContainerRecord
from ...model.network.spec import CNI
from ...state import networks as rows
from ..core.engine import Engine
from ..core.source import Source


def has_plugins(engine: Engine, *specs: ContainerSpec) -> bool:
    """Return whether one of the networks that the specs want is a CNI network."""
    with engine.database.reading() as connection:
        found = [rows.find(connection, want.name) for spec in specs for want in networks.wanted(spec)]
    return any(network is not None and network.spec.driver == CNI for network in found)


def check(engine: Engine, record: ContainerRecord, spec: ContainerSpec, source: Source) -> None:
    """Raise the errors that ``alter`` would only meet after its first change; change nothing."""
    if networks.has_networks(spec):
        from ..wiring.check import check as check_networks

        check_networks(engine, spec, source, record)


def alter(engine: Engine, record: ContainerRecord, spec: ContainerSpec, source: Source) -> ContainerRecord:
    """Apply the network options of the spec, and no others, to the container; its lock is held.

    Raises what ``wiring.rewire.alter`` raises.
    """
    from ..wiring import rewire

    if networks.DEFAULT in (one.name for one in networks.wanted(spec)):
        from ..network.create import default

        default(engine)
    return rewire.alter(engine, record, wired.rewired(record.spec, spec), source.config)
