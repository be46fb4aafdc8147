# SPDX-License-Identifier: GPL-3.0-or-later
"""Restore the networks' state on the host after a flush of the ruleset or a loss of what plugins had made."""

from __future__ import annotations

from ...errors import EngineError
from ...model.container import status
from ...model.engine.record import ContainerRecord
from ...model.network.spec import CNI, NetworkRecord
from ...state import containers, networks
from ..core.engine import Engine
from . import rules


def reload(engine: Engine) -> None:
    """Reload the rules, and let plugins check their containers; attach those again that lack something."""
    rules.load(engine)
    for record, network in _by_plugins(engine):
        with engine.lock_container(record.id, "reload its network"):
            _renew(engine, record, network)


def _by_plugins(engine: Engine) -> list[tuple[ContainerRecord, NetworkRecord]]:
    """Return the running containers, each with a network of plugins."""
    with engine.database.reading() as connection:
        known = {one.id: one for one in networks.all(connection) if one.spec.driver == CNI}
        found = [one for one in containers.all(connection) if one.status in status.ALIVE] if known else []
    return [(one, known[end.network_id]) for one in found for end in one.endpoints if end.network_id in known]


def _renew(engine: Engine, record: ContainerRecord, network: NetworkRecord) -> None:
    """Check one attachment, and repeat it if needed; a failure is a warning: others are checked too."""
    from . import plugins
    from .connect import attached

    try:
        if plugins.is_whole(engine, record, network):
            return
        wiring = attached(engine, record)
        for endpoint, one in wiring:
            if one.id == network.id:
                leads = plugins.leads(one, [other for _endpoint, other in wiring])
                plugins.add(engine, record, endpoint, one, record.ports if leads else ())
    except EngineError as error:
        engine.warned.append(error)
