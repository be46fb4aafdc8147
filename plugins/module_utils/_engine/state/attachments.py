# SPDX-License-Identifier: GPL-3.0-or-later
"""Store the endpoints of containers in networks, and their published ports.

Each function takes the connection that ``Database.transaction()`` or ``Database.reading()`` yields. Unique columns ensure that
an address, a MAC address and a host port belong to one container only; all rows are deleted with their container's row.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from ..model.network.spec import decode_subnets, encode_subnets
from ..model.network.wiring import Endpoint, Port
from .columns import check, decoding, dump, load_as


def write(connection: sqlite3.Connection, container_id: str, endpoints: Sequence[Endpoint]) -> None:
    """Replace the endpoints of a container, in this order.

    Raises sqlite3.IntegrityError for an address or a MAC address of another container.
    """
    if of(connection, container_id) == endpoints:
        return
    connection.execute("DELETE FROM attachments WHERE container_id = ?", (container_id,))
    for position, one in enumerate(endpoints):
        connection.execute(
            "INSERT INTO attachments (container_id, position, network_id, interface, mac, told) VALUES (?, ?, ?, ?, ?, ?)",
            (container_id, position, one.network_id, one.interface, one.mac, _told(one)),
        )
        _lease(connection, container_id, one)


def tell(connection: sqlite3.Connection, container_id: str, endpoint: Endpoint) -> None:
    """Save what CNI plugins reported for a container in a network; other containers lose these addresses."""
    network = endpoint.network_id
    connection.execute(
        "UPDATE attachments SET mac = ?, told = ? WHERE container_id = ? AND network_id = ?",
        (endpoint.mac, _told(endpoint), container_id, network),
    )
    connection.execute(
        "DELETE FROM leases WHERE network_id = ? AND container_id = ?", (network, container_id)
    )
    connection.executemany(
        "DELETE FROM leases WHERE network_id = ? AND address = ?",
        [(network, address) for address in endpoint.addresses],
    )
    _lease(connection, container_id, endpoint)


def _lease(connection: sqlite3.Connection, container_id: str, one: Endpoint) -> None:
    connection.executemany(
        "INSERT INTO leases (network_id, address, container_id) VALUES (?, ?, ?)",
        [(one.network_id, address, container_id) for address in one.addresses],
    )


def _told(one: Endpoint) -> str:
    return dump({"subnets": encode_subnets(one.subnets), "dns": [*one.dns]} if one.subnets else {})


def of(connection: sqlite3.Connection, container_id: str) -> tuple[Endpoint, ...]:
    """Return the endpoints of a container, in order."""
    rows = connection.execute(
        "SELECT * FROM attachments WHERE container_id = ? ORDER BY position", (container_id,)
    ).fetchall()
    return tuple(_endpoint(connection, row) for row in rows)


def members(connection: sqlite3.Connection, network_id: str) -> tuple[str, ...]:
    """Return the IDs of the containers in a network."""
    rows = connection.execute(
        "SELECT container_id FROM attachments WHERE network_id = ? ORDER BY container_id", (network_id,)
    )
    return tuple(str(row["container_id"]) for row in rows)


def taken(connection: sqlite3.Connection, network_id: str, *, besides: str = "") -> dict[str, str]:
    """Return the assigned addresses of a network with the names of their containers, except the container ``besides``."""
    rows = connection.execute(
        "SELECT address, name FROM leases JOIN containers ON container_id = id WHERE network_id = ? AND id <> ?",
        (network_id, besides),
    )
    return {row["address"]: row["name"] for row in rows}


def taken_macs(connection: sqlite3.Connection, network_id: str, *, besides: str = "") -> dict[str, str]:
    """Return the MAC addresses in a network, like ``taken``."""
    rows = connection.execute(
        "SELECT mac, name FROM attachments JOIN containers ON container_id = id WHERE network_id = ? AND id <> ?",
        (network_id, besides),
    )
    return {row["mac"]: row["name"] for row in rows}


def write_ports(connection: sqlite3.Connection, container_id: str, ports: Sequence[Port]) -> None:
    """Replace the published ports of a container, which are single ports.

    Raises sqlite3.IntegrityError for a port of another container at the same address.
    """
    if ports_of(connection, container_id) == ports:
        return
    connection.execute("DELETE FROM ports WHERE container_id = ?", (container_id,))
    connection.executemany(
        "INSERT INTO ports (protocol, host_ip, host_port, container_id, container_port) VALUES (?, ?, ?, ?, ?)",
        [(port.protocol, port.host_ip, port.host_port, container_id, port.container_port) for port in ports],
    )


def ports_of(connection: sqlite3.Connection, container_id: str) -> tuple[Port, ...]:
    """Return the published ports of a container as single ports."""
    rows = connection.execute("SELECT * FROM ports WHERE container_id = ?", (container_id,))
    return tuple(sorted((_port(row) for row in rows), key=order))


def order(port: Port) -> tuple[str, int, str, int]:
    """Return the sort key of a published port."""
    return port.protocol, port.container_port, port.host_ip, port.host_port


def owners(connection: sqlite3.Connection, *, besides: str = "") -> dict[Port, str]:
    """Return all published ports with the IDs of their containers, except the container ``besides``."""
    rows = connection.execute("SELECT * FROM ports WHERE container_id <> ?", (besides,))
    return {_port(row): row["container_id"] for row in rows}


def _port(row: sqlite3.Row) -> Port:
    with decoding("ports", row):
        check(row, texts="protocol host_ip container_id", integers="host_port container_port")
        return Port(row["protocol"], row["host_ip"], row["host_port"], row["container_port"])


def _endpoint(connection: sqlite3.Connection, row: sqlite3.Row) -> Endpoint:
    with decoding("attachments", row):
        check(row, texts="container_id network_id interface mac told", integers="position")
        told = load_as(dict, row["told"])
        addresses = connection.execute(
            "SELECT address FROM leases WHERE container_id = ? AND network_id = ?",
            (row["container_id"], row["network_id"]),
        )
        found = sorted((str(one["address"]) for one in addresses), key=lambda address: ":" in address)
        subnets = decode_subnets(told.get("subnets", ()))
        dns = tuple(map(str, told.get("dns", ())))
        return Endpoint(row["network_id"], row["interface"], row["mac"], tuple(found), subnets, dns)
