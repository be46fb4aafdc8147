# SPDX-License-Identifier: GPL-3.0-or-later
"""Store the dependencies between containers, with their reasons (``requires``, ``volumes_from``, or a shared namespace).

They are stored by ID, so that a rename breaks nothing; the specs keep the names that the user wrote.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from .columns import check, decoding

#: The option whose containers must exist, but need not run, because their volumes exist anyway.
VOLUMES_FROM = "volumes_from"


class Dependency(NamedTuple):
    """``container_id`` requires the container ``needs``; ``via`` is the option that causes it (``requires``, ``ipc``)."""

    container_id: str
    via: str
    needs: str

    @property
    def must_run(self) -> bool:
        """Return whether the required container must run."""
        return self.via != VOLUMES_FROM


def write(connection: sqlite3.Connection, container_id: str, needs: Iterable[tuple[str, str]]) -> None:
    """Replace the container's dependencies by these pairs (via, id)."""
    connection.execute("DELETE FROM container_dependencies WHERE container_id = ?", (container_id,))
    connection.executemany(
        "INSERT INTO container_dependencies (container_id, via, needs) VALUES (?, ?, ?)",
        [(container_id, via, needed) for via, needed in sorted(set(needs))],
    )


def of(connection: sqlite3.Connection, container_id: str) -> tuple[Dependency, ...]:
    """Return the dependencies of the container."""
    return _many(connection, "WHERE container_id = ?", container_id)


def on(connection: sqlite3.Connection, container_id: str) -> tuple[Dependency, ...]:
    """Return the dependencies on the container."""
    return _many(connection, "WHERE needs = ?", container_id)


def all(connection: sqlite3.Connection) -> tuple[Dependency, ...]:  # noqa: A001
    """Return all dependencies."""
    return _many(connection, "")


def take_off(connection: sqlite3.Connection, container_id: str) -> tuple[Dependency, ...]:
    """Delete and return the dependencies on the container, whose row is about to be deleted."""
    found = on(connection, container_id)
    connection.execute("DELETE FROM container_dependencies WHERE needs = ?", (container_id,))
    return found


def put_on(connection: sqlite3.Connection, taken: Iterable[Dependency], container_id: str) -> None:
    """Add the dependencies from ``take_off`` to this container, which replaces the other one."""
    connection.executemany(
        "INSERT INTO container_dependencies (container_id, via, needs) VALUES (?, ?, ?)",
        [(one.container_id, one.via, container_id) for one in taken],
    )


def _many(connection: sqlite3.Connection, where: str, *values: str) -> tuple[Dependency, ...]:
    rows = connection.execute(
        f"SELECT container_id, via, needs FROM container_dependencies {where} ORDER BY container_id, via, needs",  # noqa: S608
        values,
    )
    return tuple(_dependency(row) for row in rows)


def _dependency(row: sqlite3.Row) -> Dependency:
    with decoding("container_dependencies", row):
        check(row, texts="container_id via needs")
        return Dependency(*row)
