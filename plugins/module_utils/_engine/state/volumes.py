# SPDX-License-Identifier: GPL-3.0-or-later
"""Store volumes: convert records to rows and back.

Each function takes the connection that ``Database.transaction()`` or ``Database.reading()`` yields.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from ..errors import InUse, NameInUse, NotFound
from ..model.values.names import check_name
from ..model.volume.options import DriverOptions
from ..model.volume.spec import Populated, VolumeRecord, VolumeSpec
from .columns import check, decoding, dump, insert_text, load_as, load_texts, update_text

_COLUMNS = "name labels driver options created anonymous needs_copy_up needs_chown populated removing mounted".split()
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM volumes"  # noqa: S608
_INSERT = insert_text("volumes", _COLUMNS)
_UPDATE = update_text("volumes", "name", _COLUMNS)


def insert(connection: sqlite3.Connection, record: VolumeRecord) -> None:
    """Add a volume. Raises NameInUse (field ``name``)."""
    name = record.spec.name
    try:
        connection.execute(_INSERT, _values(record))
    except sqlite3.IntegrityError:
        if get(connection, name) is None:
            raise
        raise NameInUse(f"volume {name!r} already exists", remedy="Choose another name", name=name) from None


def update(connection: sqlite3.Connection, record: VolumeRecord) -> None:
    """Save a volume's new state. Raises NotFound if its row is gone."""
    if not connection.execute(_UPDATE, _values(record)).rowcount:
        raise NotFound("volume", record.spec.name)


def get(connection: sqlite3.Connection, name: str) -> VolumeRecord | None:
    """Return the volume with this name."""
    row = connection.execute(f"{_SELECT} WHERE name = ?", (name,)).fetchone()
    return _record(row) if row else None


def all(connection: sqlite3.Connection) -> tuple[VolumeRecord, ...]:  # noqa: A001
    """Return all volumes, by name."""
    return tuple(_record(row) for row in connection.execute(f"{_SELECT} ORDER BY name"))


def names(connection: sqlite3.Connection) -> frozenset[str]:
    """Return the names of all volumes except those being removed; reads no other columns."""
    return frozenset(row["name"] for row in connection.execute("SELECT name FROM volumes WHERE NOT removing"))


def users(connection: sqlite3.Connection, name: str) -> tuple[tuple[str, str], ...]:
    """Return (id, name) of the containers that use the volume, by name."""
    rows = connection.execute(
        "SELECT DISTINCT id, name FROM containers JOIN container_volumes ON container_id = id "
        "WHERE volume = ? ORDER BY name",
        (name,),
    )
    return tuple((row["id"], row["name"]) for row in rows)


def delete(connection: sqlite3.Connection, name: str) -> None:
    """Delete the volume's row; do nothing if there is none.

    Raises InUse while containers use it, with their names in the field ``users``.
    """
    try:
        connection.execute("DELETE FROM volumes WHERE name = ?", (name,))
    except sqlite3.IntegrityError:
        names = [user for _id, user in users(connection, name)]
        raise InUse(
            f"volume {name!r} is used by {', '.join(names)}",
            remedy="Remove these containers first",
            name=name,
            users=names,
        ) from None


def _values(record: VolumeRecord) -> dict[str, Any]:
    return {
        "name": record.spec.name,
        "labels": dump(record.spec.labels),
        "driver": record.spec.driver,
        "options": dump(record.spec.options),
        "created": record.created,
        "anonymous": record.anonymous,
        "needs_copy_up": record.needs_copy_up,
        "needs_chown": record.needs_chown,
        "populated": dump(record.populated._asdict()) if record.populated else None,
        "removing": record.removing,
        "mounted": record.mounted,
    }


def _record(row: sqlite3.Row) -> VolumeRecord:
    with decoding("volumes", row):
        check(
            row,
            texts="name labels driver options populated",
            integers="created anonymous needs_copy_up needs_chown removing mounted",
            optional="populated",
        )
        populated = row["populated"]
        return VolumeRecord(
            spec=_spec(row),
            created=row["created"],
            anonymous=bool(row["anonymous"]),
            needs_copy_up=bool(row["needs_copy_up"]),
            needs_chown=bool(row["needs_chown"]),
            populated=Populated.decode(load_as(dict, populated)) if populated else None,
            removing=bool(row["removing"]),
            mounted=bool(row["mounted"]),
        )


def _spec(row: sqlite3.Row) -> VolumeSpec:
    spec = VolumeSpec(row["name"], load_texts(row["labels"]), row["driver"], load_texts(row["options"]))
    check_name("name", spec.name)  # it becomes part of paths
    DriverOptions.decode(spec.options)
    return spec
