# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep the engine's firewall table in line with the existing bridges.

A network's rules are added before its bridge and removed after it: so an existing bridge has its rules, also after a kill.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ...errors import HostLacks
from ...model.container import status
from ...model.engine.record import ContainerRecord
from ...model.network.spec import NetworkRecord
from ...model.network.wiring import Endpoint, Publication
from ...network import aardvark, bridge, firewall, foreign, rules
from ...state import containers, networks
from ..core.engine import Engine


def table(engine: Engine) -> str:
    """Return the name of the engine's table."""
    return rules.table_of(engine.layout.root)


def open_network(engine: Engine, network: NetworkRecord) -> None:
    """Add a network, whose bridge may not exist yet, to the table; load the whole table if it is missing."""
    if not rules.has_rules(network):
        return
    name = table(engine)
    with engine.lock_rules(f"open {network.name}"):
        known = [*(one for one in _existing(engine) if one.id != network.id), network]
        if firewall.present(table=name):
            firewall.renew(known, table=name)
        else:
            firewall.load(known, _publications(engine), table=name)
        _warn(engine, known, foreign.admit(known, table=name))


def close_network(engine: Engine, network: NetworkRecord) -> None:
    """Remove a network, whose bridge is gone, from the table, and the table with the last network."""
    if not rules.has_rules(network):
        return
    name = table(engine)
    with engine.lock_rules(f"close {network.name}"):
        there = _existing(engine)
        if not there:
            firewall.remove(table=name)
        elif firewall.present(table=name):
            firewall.renew(there, table=name)
        foreign.admit(there, gone=[network.interface], table=name)


def is_missing(engine: Engine) -> bool:
    """Return whether a bridge exists but the table does not. Raises what ``firewall.present`` raises."""
    return bool(_existing(engine)) and not firewall.present(table=table(engine))


def load(engine: Engine) -> None:
    """Load the table from the running containers, after the ruleset was flushed."""
    with engine.lock_rules("load the rules"):
        there = _existing(engine)
        if there:
            firewall.load(there, _publications(engine), table=table(engine))
            _warn(engine, there, foreign.admit(there, table=table(engine)))


#: By hook: the traffic that a foreign chain drops, and the remedy.
_DROPPED = {
    "forward": (
        "the forwarded traffic of containers",
        "Make that firewall forward traffic from and to the bridges that `slipway network ls` lists",
    ),
    "input": (
        "the DNS queries of containers to the host",
        "Make that firewall accept port 53 (udp, tcp) from the bridges that `slipway network ls` lists",
    ),
}


def _warn(engine: Engine, known: Iterable[NetworkRecord], found: Iterable[foreign.Hindrance]) -> None:
    """Warn about foreign chains that drop traffic of the networks, which only their owner can change."""
    served = any(network.spec.dns for network in known) and aardvark.find() is not None
    for one in found:
        if one.hook == "forward" or served:
            what, remedy = _DROPPED[one.hook]
            message = f"chain {one.chain} of {one.family} table {one.table} drops {what}"
            engine.warned.append(HostLacks(message, remedy=remedy, feature="forwarding"))


def publication(record: ContainerRecord, attached: Iterable[tuple[Endpoint, NetworkRecord]]) -> Publication:
    """Return the ports that a container publishes, and their targets.

    The targets are its first addresses of each IP version in networks that take ports.
    """
    found: dict[bool, str] = {}
    for endpoint, network in attached:
        for address in endpoint.addresses if network.spec.takes_ports else ():
            found.setdefault(":" in address, address)
    return Publication(record.id, tuple(found.values()), record.ports)


def _existing(engine: Engine) -> list[NetworkRecord]:
    """Return the networks whose bridges exist."""
    with engine.database.reading() as connection:
        known = networks.all(connection)
    return [one for one in known if rules.has_rules(one) and bridge.observe(one) is not None]


def _publications(engine: Engine) -> list[Publication]:
    """Return the ports of the containers that run, or have an intent and may be starting."""
    with engine.database.reading() as connection:
        found, known = containers.all(connection), {one.id: one for one in networks.all(connection)}
    live = [one for one in found if one.status in status.ALIVE or one.intent]
    published = (publication(one, _attached(one, known)) for one in live)
    return [one for one in published if one.leads]


def _attached(
    record: ContainerRecord, known: Mapping[str, NetworkRecord]
) -> list[tuple[Endpoint, NetworkRecord]]:
    return [(one, known[one.network_id]) for one in record.endpoints if one.network_id in known]
