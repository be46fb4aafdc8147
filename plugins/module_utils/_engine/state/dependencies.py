# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep which container needs which, and why (``requires``, ``volumes_from``, or the namespace that it shares).

By id, so that a rename breaks nothing; the specs keep the names that the user wrote.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from .columns import check, decoding

#: The option whose containers are needed, but not running: their volumes are there anyway.
VOLUMES_FROM = "volumes_from"


class Dependency(NamedTuple):
    """``container_id`` needs the container ``needs``; ``via`` is the option that says so (``requires``, ``ipc``)."""

    container_id: str
    via: str
    needs: str

    @property
    def must_run(self) -> bool:
        """Return whether it needs the other one running, and not only its volumes."""
        return self.via != VOLUMES_FROM


def write(connection: sqlite3.Connection, container_id: str, needs: Iterable[tuple[str, str]]) -> None:
    """Put (via, id) pairs in the place of what the container needed before."""
    connection.execute("DELETE FROM container_dependencies WHERE container_id = ?", (container_id,))
    connection.executemany(
        "INSERT INTO container_dependencies (container_id, via, needs) VALUES (?, ?, ?)",
        [(container_id, via, needed) for via, needed in sorted(set(needs))],
    )


def of(connection: sqlite3.Connection, container_id: str) -> tuple[Dependency, ...]:
    """Return what the container needs."""
    return _many(connection, "WHERE container_id = ?", container_id)


def on(connection: sqlite3.Connection, container_id: str) -> tuple[Dependency, ...]:
    """Return what needs the container."""
    return _many(connection, "WHERE needs = ?", container_id)


def all(connection: sqlite3.Connection) -> tuple[Dependency, ...]:  # noqa: A001
    """Return every dependency."""
    return _many(connection, "")


def take_off(connection: sqlite3.Connection, container_id: str) -> tuple[Dependency, ...]:
    """Forget and return what needs the container, whose row is about to go."""
    found = on(connection, container_id)
    connection.execute("DELETE FROM container_dependencies WHERE needs = ?", (container_id,))
    return found


def put_on(connection: sqlite3.Connection, taken: Iterable[Dependency], container_id: str) -> None:
    """Let all that was taken off need this container, which has taken the other one's place."""
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
