# SPDX-License-Identifier: GPL-3.0-or-later
"""Look up the part of a running container's record that is needed to join it."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing

from ..model.values import jsontext

TYPE_CHECKING = False
if TYPE_CHECKING:  # `slipway connect` runs at each command of a play
    from typing import Any

_ID_LENGTH, _HEX = 64, frozenset("0123456789abcdef")
_COLUMNS = "containers.id, name, pid, pid_start, runtime, driver, spec, config"
_SELECT = (
    f"SELECT {_COLUMNS} FROM containers LEFT JOIN images ON images.id = image_id"  # noqa: S608
    " WHERE status = 'running' AND (name = ? OR containers.id = ?) ORDER BY name = ? DESC"
)


class Running:
    """A container that is running according to its record."""

    __slots__ = ("driver", "group_add", "home_given", "id", "name", "pid", "pid_start", "runtime")

    def __init__(self, row: tuple[Any, ...]) -> None:
        """Decode a row. Raises ValueError, TypeError or AttributeError if it is damaged."""
        self.id, self.name, self.pid, self.pid_start, self.runtime, self.driver, text, config = row
        if not (
            isinstance(self.pid, int) and isinstance(self.pid_start, int) and isinstance(self.runtime, str)
        ):
            raise TypeError("pid, pid_start or runtime has the wrong type")
        if len(self.id) != _ID_LENGTH or not _HEX.issuperset(self.id):  # it becomes part of paths
            raise ValueError("id is not an ID")
        spec = jsontext.parse_object(text)
        image = (jsontext.parse_object(config) if config else {}).get("config") or {}
        of_image = image.get("Env") or ()
        #: Supplementary groups of all its users.
        self.group_add = tuple(spec.get("group_add") or ())
        #: Whether the container's options or its image set HOME.
        self.home_given = "HOME" in (spec.get("env") or {}) or any(
            variable.startswith("HOME=") for variable in of_image
        )


def find(database: str, name: str) -> Running | None:
    """Return the container with this name or full ID, if it is running according to its record.

    None also if the database cannot be read this way; opening it in full reports the reason.
    """
    if not os.path.exists(database):  # sqlite3 would create it
        return None
    try:
        with closing(sqlite3.connect(database)) as connection:
            row = connection.execute(_SELECT, (name, name, name)).fetchone()
    except (sqlite3.Error, UnicodeDecodeError):
        return None
    try:
        return Running(row) if row else None
    except (ValueError, TypeError, AttributeError):
        return None
