# SPDX-License-Identifier: GPL-3.0-or-later
"""Store containers: convert records to rows and back.

Each function takes the connection that ``Database.transaction()`` or ``Database.reading()`` yields.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from ..errors import NameInUse, NotFound
from ..model.container import status
from ..model.container.spec import ContainerSpec
from ..model.engine.record import ContainerRecord, ProcessId
from ..model.mounts.mount import Mount
from ..model.values.idmap import IdMap
from ..model.values.names import check_name, is_full_id, is_whole_id
from . import attachments
from .columns import check, decoding, dump, insert_text, load, load_as, load_texts, plain, update_text
from .volumes import users as using_volume

__all__ = [
    "all",
    "beginning",
    "by_name",
    "delete",
    "due",
    "find",
    "get",
    "insert",
    "mappings",
    "names",
    "refuse_id",
    "status_of",
    "update",
    "using_image",
    "using_volume",
]

_COLUMNS = (
    "id name spec image_id status intent pid pid_start monitor_pid monitor_start created started finished"
    " exit_code oom_killed stopped_by_user restart_count crashes restart_at interrupted error runtime cgroup"
    " mapping checkpointed restored implied images given driver start_pending"
).split()
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM containers"  # noqa: S608
_INSERT = insert_text("containers", _COLUMNS)
_UPDATE = update_text("containers", "id", _COLUMNS)
_ORDER = "ORDER BY created, id"
#: The types of the columns, for ``columns.check``.
_OPTIONAL = "image_id mapping pid pid_start monitor_pid monitor_start started finished exit_code restart_at checkpointed restored"
_TYPES = {
    "texts": "id name spec image_id status intent error runtime cgroup mapping implied images given driver",
    "integers": "pid pid_start monitor_pid monitor_start created started finished exit_code oom_killed stopped_by_user"
    " restart_count crashes restart_at interrupted checkpointed restored",
    "optional": _OPTIONAL,
}


def insert(connection: sqlite3.Connection, record: ContainerRecord) -> None:
    """Add a container with its volumes, whose rows must exist.

    Raises NameInUse, whose fields ``name`` and ``id`` identify the owner.
    """
    _write(connection, _INSERT, record)


def update(connection: sqlite3.Connection, record: ContainerRecord) -> None:
    """Save a container's new state. Raises NameInUse, or NotFound if its row is gone."""
    if not _write(connection, _UPDATE, record):
        raise NotFound("container", record.name)


def get(connection: sqlite3.Connection, container_id: str) -> ContainerRecord | None:
    """Return the container with this full ID."""
    return _one(connection, "WHERE id = ?", container_id)


def by_name(connection: sqlite3.Connection, name: str) -> ContainerRecord | None:
    """Return the container with this name."""
    return _one(connection, "WHERE name = ?", name)


def find(connection: sqlite3.Connection, name_or_id: str) -> ContainerRecord | None:
    """Return the container with this name or ID; as in podman, by 64 digits, then by name, then by the first 12 digits."""
    if is_full_id(name_or_id) and (whole := get(connection, name_or_id)) is not None:
        return whole
    named = by_name(connection, name_or_id)
    if named is not None or not is_whole_id(name_or_id):
        return named
    found = beginning(connection, name_or_id)
    return found[0] if len(found) == 1 else None


def refuse_id(connection: sqlite3.Connection, name: str) -> None:
    """Check that a name is not the ID of a container, because the two would be ambiguous. Raises NameInUse."""
    owner = next(iter(beginning(connection, name)), None) if is_whole_id(name) else None
    if owner is not None:
        raise NameInUse(
            f"the name {name!r} is the ID of container {owner.name}, and would be ambiguous",
            remedy="Choose another name",
            name=name,
            id=owner.id,
        )


def beginning(connection: sqlite3.Connection, digits: str) -> tuple[ContainerRecord, ...]:
    """Return all containers whose IDs begin with these digits."""
    return _many(connection, "WHERE ? <> '' AND substr(id, 1, length(?)) = ?", digits, digits, digits)


def all(connection: sqlite3.Connection) -> tuple[ContainerRecord, ...]:  # noqa: A001
    """Return all containers, oldest first."""
    return _many(connection, "")


def status_of(connection: sqlite3.Connection, container_id: str) -> str | None:
    """Return the status in a container's row, None if there is no row."""
    row = connection.execute("SELECT status FROM containers WHERE id = ?", (container_id,)).fetchone()
    return None if row is None else str(row["status"])


def names(connection: sqlite3.Connection) -> dict[str, str]:
    """Return the IDs by name."""
    rows = connection.execute("SELECT name, id FROM containers ORDER BY name")
    return {row["name"]: row["id"] for row in rows}


def due(connection: sqlite3.Connection, before: int) -> tuple[str, ...]:
    """Return the IDs of the containers whose restart was due before this time (nanoseconds since the epoch)."""
    rows = connection.execute("SELECT id FROM containers WHERE restart_at < ? ORDER BY restart_at", (before,))
    return tuple(row["id"] for row in rows)


def using_image(connection: sqlite3.Connection, image_id: str) -> tuple[tuple[str, str], ...]:
    """Return (id, name) of the containers that were created from the image or mount it, by name."""
    rows = connection.execute(
        "SELECT id, name FROM containers WHERE image_id = ? OR instr(images, ?) ORDER BY name",
        (image_id, dump(image_id)),
    )
    return tuple((row["id"], row["name"]) for row in rows)


def with_intent(connection: sqlite3.Connection, intent: str) -> tuple[str, ...]:
    """Return the IDs of the containers with this intent, sorted."""
    rows = connection.execute("SELECT id FROM containers WHERE intent = ? ORDER BY id", (intent,))
    return tuple(str(row["id"]) for row in rows)


def mappings(connection: sqlite3.Connection) -> tuple[IdMap, ...]:
    """Return the mappings of all containers' user namespaces."""
    rows = connection.execute("SELECT id, mapping FROM containers WHERE mapping IS NOT NULL").fetchall()
    found = []
    for row in rows:
        with decoding("containers", row):
            found.append(IdMap.decode(load(row["mapping"])))
    return tuple(found)


def delete(connection: sqlite3.Connection, container_id: str) -> None:
    """Delete the container's row and its use of volumes; do nothing if there is no row."""
    connection.execute("DELETE FROM containers WHERE id = ?", (container_id,))


def _write(connection: sqlite3.Connection, statement: str, record: ContainerRecord) -> int:
    """Save the row and the volumes; return the number of rows that the statement affected."""
    try:
        met = connection.execute(statement, _values(record)).rowcount
    except sqlite3.IntegrityError:
        owner = names(connection).get(record.name)
        if owner in (None, record.id):
            raise
        raise NameInUse(
            f"the name {record.name!r} belongs to container {owner}",
            remedy="Choose another name, or remove that container first",
            name=record.name,
            id=owner,
        ) from None
    if met:
        _write_volumes(connection, record)
        attachments.write(connection, record.id, record.endpoints)
        attachments.write_ports(connection, record.id, record.ports)
    return met


def _write_volumes(connection: sqlite3.Connection, record: ContainerRecord) -> None:
    if _volumes(connection, record.id) == record.volumes:
        return
    connection.execute("DELETE FROM container_volumes WHERE container_id = ?", (record.id,))
    connection.executemany(
        "INSERT INTO container_volumes (container_id, destination, volume) VALUES (?, ?, ?)",
        [(record.id, destination, volume) for destination, volume in record.volumes.items()],
    )


def _values(record: ContainerRecord) -> dict[str, Any]:
    values = {name: getattr(record, name) for name in _COLUMNS if hasattr(record, name)}
    pid, pid_start = _process_values(record.process)
    monitor_pid, monitor_start = _process_values(record.monitor)
    return {
        **values,
        "error": plain(record.error),
        "spec": dump(record.spec.encode()),
        "implied": dump({path: mount.encode() for path, mount in record.implied.items()}),
        "images": dump(record.images),
        "given": dump(record.given),
        "mapping": dump(record.mapping.encode()) if record.mapping else None,
        "pid": pid,
        "pid_start": pid_start,
        "monitor_pid": monitor_pid,
        "monitor_start": monitor_start,
    }


def _process_values(process: ProcessId | None) -> tuple[int | None, int | None]:
    return (process.pid, process.start_time) if process else (None, None)


def _process(pid: int | None, start_time: int | None) -> ProcessId | None:
    return None if pid is None or start_time is None else ProcessId(pid, start_time)


def _one(connection: sqlite3.Connection, where: str, value: str) -> ContainerRecord | None:
    found = _many(connection, where, value)
    return found[0] if found else None


def _many(connection: sqlite3.Connection, where: str, *values: str) -> tuple[ContainerRecord, ...]:
    rows = connection.execute(f"{_SELECT} {where} {_ORDER}", values).fetchall()
    return tuple(_record(connection, row) for row in rows)


def _record(connection: sqlite3.Connection, row: sqlite3.Row) -> ContainerRecord:
    with decoding("containers", row):
        check(row, **_TYPES)
        _check_words(row)
        return ContainerRecord(
            id=row["id"],
            spec=ContainerSpec.decode(load_as(dict, row["spec"])),
            created=row["created"],
            image_id=row["image_id"],
            status=row["status"],
            intent=row["intent"],
            process=_process(row["pid"], row["pid_start"]),
            monitor=_process(row["monitor_pid"], row["monitor_start"]),
            started=row["started"],
            finished=row["finished"],
            exit_code=row["exit_code"],
            oom_killed=bool(row["oom_killed"]),
            stopped_by_user=bool(row["stopped_by_user"]),
            restart_count=row["restart_count"],
            crashes=row["crashes"],
            restart_at=row["restart_at"],
            interrupted=bool(row["interrupted"]),
            error=row["error"],
            runtime=row["runtime"],
            cgroup=row["cgroup"],
            volumes=_volumes(connection, row["id"]),
            implied={path: Mount.decode(path, item) for path, item in load_as(dict, row["implied"]).items()},
            mapping=IdMap.decode(load(row["mapping"])) if row["mapping"] else None,
            checkpointed=row["checkpointed"],
            restored=row["restored"],
            images=load_texts(row["images"]),
            given=load_texts(row["given"]),
            driver=row["driver"],
            start_pending=bool(row["start_pending"]),
            endpoints=attachments.of(connection, row["id"]),
            ports=attachments.ports_of(connection, row["id"]),
        )


def _check_words(row: sqlite3.Row) -> None:
    """Check the values that become part of paths and cgroups, or determine decisions. Raises ValueError or InvalidOption."""
    check_name("name", row["name"])
    *above, last = row["cgroup"].split("/")
    if not is_full_id(row["id"]):
        raise ValueError(f"{row['id'][:80]!r} is not an ID")
    if row["cgroup"] and (above[:1] != [""] or {"", ".", ".."} & {*above[1:]} or row["id"] not in last):
        raise ValueError(f"{row['cgroup'][:80]!r} is not its cgroup")
    if row["status"] not in status.MOVES:
        raise ValueError(f"{row['status'][:80]!r} is not a state")


def _volumes(connection: sqlite3.Connection, container_id: str) -> dict[str, str]:
    rows = connection.execute(
        "SELECT destination, volume FROM container_volumes WHERE container_id = ? ORDER BY destination",
        (container_id,),
    )
    return dict(_volume(row) for row in rows)


def _volume(row: sqlite3.Row) -> tuple[str, str]:
    with decoding("container_volumes", row):
        check(row, texts="destination volume")
        return row["destination"], check_name("volume", row["volume"])
