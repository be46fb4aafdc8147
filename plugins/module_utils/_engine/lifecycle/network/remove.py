# SPDX-License-Identifier: GPL-3.0-or-later
"""Removal of a network, its interface on the host and its record; a killed removal can be completed."""

from __future__ import annotations

from ...errors import HostLacks
from ...frozen import replace
from ...model.network.spec import NetworkRecord
from ...state import networks
from ..core.engine import Engine
from ..core.sidecars import forget_network


def remove_held(engine: Engine, name: str) -> None:
    """Remove the network, if it exists, with its lock held. Raises InUse with the attached containers.

    It is marked first, so that the next call completes a removal that was killed.
    """
    with engine.timings.of("network_remove"):
        with engine.database.transaction() as connection:
            record = networks.by_name(connection, name)
            if record is None:
                return
            users = [user for _id, user in networks.users(connection, record.id)]
            if users:
                raise networks.in_use(name, users)
            networks.update(connection, replace(record, removing=True))
        finish_removal(engine, record)
    engine.tell("network", "remove", record.id, name)


def finish_removal(engine: Engine, record: NetworkRecord) -> None:
    """Remove the network from the host, then delete its row, which is marked as being removed."""
    if record.interface:
        _take_off(engine, record)
    forget_network(engine, record.id)
    with engine.database.transaction() as connection:
        networks.delete(connection, record.id)


def _take_off(engine: Engine, record: NetworkRecord) -> None:
    """Remove the rules, and the bridge if the engine created it, as at the exit of the last container."""
    from ...network import bridge
    from ..wiring import rules

    bridge.remove(record)
    if _has_table(engine):
        rules.close_network(engine, record)


def _has_table(engine: Engine) -> bool:
    from ...network import firewall
    from ..wiring import rules

    try:
        return firewall.present(table=rules.table(engine))
    except HostLacks:  # without nftables there never was a table
        return False
