# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep single values that are about the engine as a whole."""

from __future__ import annotations

import sqlite3

#: The boot of the host (``/proc/sys/kernel/random/boot_id``) that the records are of.
BOOT = "boot"
#: Which storage drivers were tried, and what the results hang on.
STORAGE = "storage"
#: Which parameters of the host were set for networks, in one boot.
PARAMETERS = "parameters"


def get(connection: sqlite3.Connection, key: str) -> str | None:
    """Return the value, None when there is none."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row["value"])


def put(connection: sqlite3.Connection, key: str, value: str) -> None:
    """Keep the value in the place of an older one."""
    connection.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (key, value))
