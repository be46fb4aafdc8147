# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove a network, its interface on the host and its record, so that a kill leaves nothing that is not found again."""

from __future__ import annotations

from ...errors import HostLacks
from ...frozen import replace
from ...model.network.spec import NetworkRecord
from ...state import networks
from ..core.engine import Engine
from ..core.sidecars import forget_network


def remove_held(engine: Engine, name: str) -> None:
    """Remove the network with its lock held; none is fine. Raises InUse naming the containers that are attached.

    It is marked first, so that the next call finishes a removal that was killed.
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
    """Take the network off the host, then remove the row that says so."""
    if record.interface:
        _take_off(engine, record)
    forget_network(engine, record.id)
    with engine.database.transaction() as connection:
        networks.delete(connection, record.id)


def _take_off(engine: Engine, record: NetworkRecord) -> None:
    """Remove the bridge, unless somebody else has made it, and the rules, as the last container that ends does."""
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
    except HostLacks:  # without nftables there never was one
        return False
