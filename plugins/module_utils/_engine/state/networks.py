# SPDX-License-Identifier: GPL-3.0-or-later
"""Store networks: convert records to rows and back.

Each function takes the connection that ``Database.transaction()`` or ``Database.reading()`` yields.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from ..errors import InUse, NameInUse, NotFound
from ..model.network.interfaces import is_interface
from ..model.network.spec import Attached, NetworkRecord, NetworkSpec, decode_subnets, encode_subnets
from ..model.values.names import check_name, is_full_id, is_whole_id
from .columns import check, decoding, dump, insert_text, load_as, update_text

_COLUMNS = "id name spec interface subnets created removing".split()
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM networks"  # noqa: S608
_INSERT = insert_text("networks", _COLUMNS)
_UPDATE = update_text("networks", "id", _COLUMNS)


def insert(connection: sqlite3.Connection, record: NetworkRecord) -> None:
    """Add a network. Raises NameInUse if another one has its name or interface (fields ``name``, ``owner``)."""
    try:
        connection.execute(_INSERT, _values(record))
    except sqlite3.IntegrityError:
        if (taken := _taken(connection, record)) is None:
            raise
        raise taken from None


def update(connection: sqlite3.Connection, record: NetworkRecord) -> None:
    """Save a network's new state. Raises NotFound if its row is gone."""
    if not connection.execute(_UPDATE, _values(record)).rowcount:
        raise NotFound("network", record.name)


def get(connection: sqlite3.Connection, network_id: str) -> NetworkRecord | None:
    """Return the network with this full ID."""
    return _one(connection, "WHERE id = ?", network_id)


def by_name(connection: sqlite3.Connection, name: str) -> NetworkRecord | None:
    """Return the network with this name."""
    return _one(connection, "WHERE name = ?", name)


def find(connection: sqlite3.Connection, name_or_id: str) -> NetworkRecord | None:
    """Return the network with this name or ID: by 64 digits, then by name, then by the first 12 digits."""
    if is_full_id(name_or_id) and (whole := get(connection, name_or_id)) is not None:
        return whole
    named = by_name(connection, name_or_id)
    if named is not None or not is_whole_id(name_or_id):
        return named
    found = _many(connection, "WHERE substr(id, 1, length(?)) = ?", name_or_id, name_or_id)
    return found[0] if len(found) == 1 else None


def all(connection: sqlite3.Connection) -> tuple[NetworkRecord, ...]:  # noqa: A001
    """Return all networks, by name."""
    return _many(connection, "ORDER BY name")


def users(connection: sqlite3.Connection, network_id: str) -> tuple[tuple[str, str], ...]:
    """Return (id, name) of the containers that are attached to the network, by name."""
    rows = connection.execute(
        "SELECT id, name FROM containers WHERE id IN (SELECT container_id FROM attachments WHERE network_id = ?) ORDER BY name",
        (network_id,),
    )
    return tuple((row["id"], row["name"]) for row in rows)


def attached(connection: sqlite3.Connection, network_id: str) -> tuple[Attached, ...]:
    """Return the containers that are attached to the network, by name, with their addresses."""
    rows = connection.execute(
        "SELECT c.id, c.name, a.interface, a.mac, a.told, l.address "
        "FROM attachments a JOIN containers c ON c.id = a.container_id "
        "LEFT JOIN leases l ON l.container_id = a.container_id AND l.network_id = a.network_id "
        "WHERE a.network_id = ? ORDER BY c.name, l.address",
        (network_id,),
    )
    found: dict[str, Attached] = {}
    for row in rows:
        with decoding("attachments", row):
            check(row, texts="id name interface mac told address", optional="address")
            subnets = decode_subnets(load_as(dict, row["told"]).get("subnets", ()))
            new = Attached(row["id"], row["name"], row["interface"], row["mac"], (), subnets)
            one = found.get(row["id"]) or new
            more = (row["address"],) if row["address"] else ()
            found[row["id"]] = one._replace(addresses=(*one.addresses, *more))
    return tuple(found.values())


def delete(connection: sqlite3.Connection, network_id: str) -> None:
    """Delete the network's row; do nothing if there is none.

    Raises InUse while containers are attached, with their names in the field ``users``.
    """
    try:
        connection.execute("DELETE FROM networks WHERE id = ?", (network_id,))
    except sqlite3.IntegrityError:
        record = get(connection, network_id)
        name = record.name if record else network_id
        raise in_use(name, [user for _id, user in users(connection, network_id)]) from None


def in_use(name: str, names: list[str]) -> InUse:
    """Return the error for a network with these containers attached."""
    return InUse(
        f"network {name!r} is used by {', '.join(names)}",
        remedy="Remove these containers first",
        name=name,
        users=names,
    )


def _taken(connection: sqlite3.Connection, record: NetworkRecord) -> NameInUse | None:
    if by_name(connection, record.name) is not None:
        text = f"network {record.name!r} already exists"
        return NameInUse(text, remedy="Choose another name", name=record.name, owner=record.name)
    owner = _one(connection, "WHERE interface = ? AND interface <> ''", record.interface)
    if owner is None:
        return None
    text = f"the interface {record.interface} belongs to network {owner.name!r}"
    return NameInUse(text, remedy="Choose another interface", name=record.interface, owner=owner.name)


def _values(record: NetworkRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "name": record.name,
        "spec": dump(record.spec.encode()),
        "interface": record.interface,
        "subnets": dump(encode_subnets(record.subnets)),
        "created": record.created,
        "removing": record.removing,
    }


def _one(connection: sqlite3.Connection, where: str, value: str) -> NetworkRecord | None:
    found = _many(connection, where, value)
    return found[0] if found else None


def _many(connection: sqlite3.Connection, where: str, *values: str) -> tuple[NetworkRecord, ...]:
    return tuple(_record(row) for row in connection.execute(f"{_SELECT} {where}", values).fetchall())


def _record(row: sqlite3.Row) -> NetworkRecord:
    with decoding("networks", row):
        check(row, texts="id name spec interface subnets", integers="created removing")
        _check_words(row)
        return NetworkRecord(
            id=row["id"],
            spec=_spec(row),
            interface=row["interface"],
            subnets=decode_subnets(load_as(list, row["subnets"])),
            created=row["created"],
            removing=bool(row["removing"]),
        )


def _spec(row: sqlite3.Row) -> NetworkSpec:
    spec = NetworkSpec.decode(load_as(dict, row["spec"]))
    if spec.name != row["name"]:
        raise ValueError(f"its spec belongs to {spec.name[:80]!r}")
    return spec


def _check_words(row: sqlite3.Row) -> None:
    """Check the values that become part of paths and of interface names. Raises ValueError or InvalidOption."""
    check_name("name", row["name"])
    if not is_full_id(row["id"]):
        raise ValueError(f"{row['id'][:80]!r} is not an ID")
    if row["interface"] and not is_interface(row["interface"]):
        raise ValueError(f"{row['interface'][:80]!r} is not an interface name")
