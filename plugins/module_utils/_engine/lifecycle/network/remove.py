# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove a network, its interface on the host and its record, so that a kill leaves nothing that is not found again."""

from __future__ import annotations

from ...frozen import replace
from ...model.network.driver_options import UNMANAGED
from ...model.network.spec import NetworkRecord
from ...state import networks
from ..core.engine import Engine


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
    """Remove the interface that the engine has made, then the row that says so."""
    if record.interface and record.spec.options.get("mode") != UNMANAGED:
        _remove_interface(record)
    with engine.database.transaction() as connection:
        networks.delete(connection, record.id)


def _remove_interface(record: NetworkRecord) -> None:
    from ...network import bridge

    bridge.remove(record)
