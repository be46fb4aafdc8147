# SPDX-License-Identifier: GPL-3.0-or-later
"""Store single values of the engine as a whole."""

from __future__ import annotations

import sqlite3

#: The boot of the host (``/proc/sys/kernel/random/boot_id``) to which the records belong.
BOOT = "boot"
#: The storage drivers that were tried, and what the results depend on.
STORAGE = "storage"
#: The kernel parameters of the host that were set for networks, in one boot.
PARAMETERS = "parameters"


def get(connection: sqlite3.Connection, key: str) -> str | None:
    """Return the value, None if there is none."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row["value"])


def put(connection: sqlite3.Connection, key: str, value: str) -> None:
    """Store the value, replacing an older one."""
    connection.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (key, value))
