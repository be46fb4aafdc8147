# SPDX-License-Identifier: GPL-3.0-or-later
"""Refresh the database's rows after a reboot, or those of a copy, to predict what a refresh does."""

from __future__ import annotations

import sqlite3

from ...kernel.boot import boot_id
from ...kernel.process import Process
from ...model.engine.record import ContainerRecord
from ...plan.refresh import is_over, refreshed
from ...state import containers, dependencies, execs, meta
from ...state.database import Database


def foresee(database: Database) -> None:
    """Refresh a private copy of the database."""
    with database.amending() as connection:
        refresh_rows(connection)
        for record in over(connection):
            containers.delete(connection, record.id)


def is_same_boot(connection: sqlite3.Connection) -> bool:
    """Return whether the records are of this boot, although the run root has no marker of it."""
    return meta.get(connection, meta.BOOT) == boot_id()


def refresh_rows(connection: sqlite3.Connection) -> list[ContainerRecord]:
    """Refresh the rows; return the previous records of all containers that are not alive.

    After a reboot none is: its pid and start time could by chance match another process.
    """
    same_boot = is_same_boot(connection)
    ended = []
    for record in containers.all(connection):
        if same_boot and _lives(record):
            continue
        ended.append(record)
        execs.purge(connection, record.id)
        after = refreshed(record)
        if after != record:
            containers.update(connection, after)
    return ended


def over(connection: sqlite3.Connection) -> list[ContainerRecord]:
    """Return the refreshed containers with ``rm`` to remove: their run is over and none depends on them."""
    return [
        record
        for record in containers.all(connection)
        if is_over(record) and not dependencies.on(connection, record.id)
    ]


def _lives(record: ContainerRecord) -> bool:
    return record.process is not None and Process(*record.process).alive()
