# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep the engine's table of rules in step with the networks whose bridges are there.

A network gets its rules before its bridge, and loses them after it: so a bridge that is there has its rules, whoever was killed.
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
    """Add a network, whose bridge may not be there yet, to the table, which is written anew where it is missing."""
    if not rules.has_rules(network):
        return
    name = table(engine)
    with engine.lock_rules(f"open {network.name}"):
        known = [*(one for one in _there(engine) if one.id != network.id), network]
        if firewall.present(table=name):
            firewall.renew(known, table=name)
        else:
            firewall.load(known, _publications(engine), table=name)
        _warn(engine, known, foreign.admit(known, table=name))


def close_network(engine: Engine, network: NetworkRecord) -> None:
    """Take a network, whose bridge is gone, out of the table, and with the last one the table away."""
    if not rules.has_rules(network):
        return
    name = table(engine)
    with engine.lock_rules(f"close {network.name}"):
        there = _there(engine)
        if not there:
            firewall.remove(table=name)
        elif firewall.present(table=name):
            firewall.renew(there, table=name)
        foreign.admit(there, gone=[network.interface], table=name)


def is_missing(engine: Engine) -> bool:
    """Tell whether the bridge of a network is there without the table; raises as ``firewall.present``."""
    return bool(_there(engine)) and not firewall.present(table=table(engine))


def load(engine: Engine) -> None:
    """Write the table anew, from what runs: after somebody has flushed the ruleset."""
    with engine.lock_rules("load the rules"):
        there = _there(engine)
        if there:
            firewall.load(there, _publications(engine), table=table(engine))
            _warn(engine, there, foreign.admit(there, table=table(engine)))


#: What a chain of others drops, by its hook, and what its owner can do.
_DROPPED = {
    "forward": (
        "what containers send and get by the host",
        "Let that firewall forward what comes from and goes to the bridges of `slipway network ls`",
    ),
    "input": (
        "what containers ask the host's name server for",
        "Let that firewall take port 53 (udp, tcp) from the bridges of `slipway network ls`",
    ),
}


def _warn(engine: Engine, known: Iterable[NetworkRecord], found: Iterable[foreign.Hindrance]) -> None:
    """Warn of chains of others that drop what the networks need, which only their owner can mend."""
    served = any(network.spec.dns for network in known) and aardvark.find() is not None
    for one in found:
        if one.hook == "forward" or served:
            what, remedy = _DROPPED[one.hook]
            message = f"chain {one.chain} of {one.family} table {one.table} drops {what}"
            engine.warned.append(HostLacks(message, remedy=remedy, feature="forwarding"))


def publication(record: ContainerRecord, attached: Iterable[tuple[Endpoint, NetworkRecord]]) -> Publication:
    """Return the ports that a container publishes; they lead to its first address of each IP version where ports can lead to."""
    found: dict[bool, str] = {}
    for endpoint, network in attached:
        for address in endpoint.addresses if network.spec.takes_ports else ():
            found.setdefault(":" in address, address)
    return Publication(record.id, tuple(found.values()), record.ports)


def _there(engine: Engine) -> list[NetworkRecord]:
    """Return the networks whose bridges are there."""
    with engine.database.reading() as connection:
        known = networks.all(connection)
    return [one for one in known if rules.has_rules(one) and bridge.observe(one) is not None]


def _publications(engine: Engine) -> list[Publication]:
    """Return the ports of the containers that live, or are about to."""
    with engine.database.reading() as connection:
        found, known = containers.all(connection), {one.id: one for one in networks.all(connection)}
    live = [one for one in found if one.status in status.ALIVE or one.intent]
    published = (publication(one, _attached(one, known)) for one in live)
    return [one for one in published if one.leads]


def _attached(
    record: ContainerRecord, known: Mapping[str, NetworkRecord]
) -> list[tuple[Endpoint, NetworkRecord]]:
    return [(one, known[one.network_id]) for one in record.endpoints if one.network_id in known]
