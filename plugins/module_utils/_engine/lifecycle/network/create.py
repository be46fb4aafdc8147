# SPDX-License-Identifier: GPL-3.0-or-later
"""Creation of a network: its record, with a subnet and an interface that are not in use.

The bridge itself is created for the first attached container, as podman does, and again after a reboot.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence

from ...errors import HostLacks
from ...model.network.spec import NetworkRecord, Subnet
from ...model.values.names import new_id
from ...plan.network import DEFAULT_INTERFACE, DEFAULT_NAME, DEFAULT_SUBNET, Birth, default_spec, fresh
from ...plan.subnets import Taken
from ...state import networks
from ..core.engine import Engine
from ..core.sidecars import keep_network
from .host_network import has_ipv6, taken_by_host
from .remove import finish_removal


def create_held(engine: Engine, new: NetworkRecord, *, interface: str = "") -> NetworkRecord:
    """Save the planned record of a network, and return it; the network's lock is held.

    Values chosen by the engine are chosen again if another task has taken them meanwhile: only this transaction decides.
    ``interface`` is the preferred name of the interface. Raises SubnetInUse, NameInUse.
    """
    with engine.database.reading() as connection:
        known = networks.by_name(connection, new.name)
    if known is not None and known.removing:
        finish_removal(engine, known)
    host = taken_by_host()
    with engine.timings.of("network_create"), engine.database.transaction() as connection:
        birth = Birth(new.id, new.created, with_networks(connection, host))
        record = fresh(new.spec, birth, prefer=new.subnets, interface=interface)
        networks.insert(connection, record)
    keep_network(engine, record)
    engine.tell("network", "create", record.id, record.name)
    return record


def default(engine: Engine) -> NetworkRecord:
    """Return the default network, creating it if needed; in check mode, return its future record."""
    found = _default(engine)
    if found is not None:
        return found
    if engine.predicting:
        with engine.database.reading() as connection:
            birth = Birth(new_id(), time.time_ns(), with_networks(connection, taken_by_host()))
        return fresh(default_spec(), birth, prefer=(DEFAULT_SUBNET,), interface=DEFAULT_INTERFACE)
    with engine.lock_network(DEFAULT_NAME, "create"):
        found = _default(engine)
        if found is not None:
            return found
        wish = NetworkRecord(new_id(), default_spec(), "", (DEFAULT_SUBNET,), time.time_ns())
        return create_held(engine, wish, interface=DEFAULT_INTERFACE)


def _default(engine: Engine) -> NetworkRecord | None:
    with engine.database.reading() as connection:
        found = networks.by_name(connection, DEFAULT_NAME)
    return found if found is not None and not found.removing else None


def with_networks(connection: sqlite3.Connection, host: Taken) -> Taken:
    """Return the values taken by the host, with all networks added."""
    return host._replace(networks=networks.all(connection))


def refuse_ipv6(subnets: Sequence[Subnet]) -> None:
    """Raise HostLacks for an IPv6 subnet if the kernel has no IPv6."""
    found = next((subnet.subnet for subnet in subnets if subnet.version == 6), None)
    if found is not None and not has_ipv6():
        raise HostLacks(
            f"subnet {found} needs IPv6, which this host's kernel does not have",
            remedy="Boot the host without ipv6.disable=1, or use only IPv4 subnets",
            feature="ipv6",
        )
