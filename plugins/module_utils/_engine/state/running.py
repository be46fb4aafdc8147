# SPDX-License-Identifier: GPL-3.0-or-later
"""Look up what is needed to join a container that runs, and nothing else of its record."""

from __future__ import annotations

import json
import os
import sqlite3

TYPE_CHECKING = False
if TYPE_CHECKING:  # `slipway connect` runs at each command of a play
    from typing import Any

_COLUMNS = "containers.id, name, pid, pid_start, runtime, driver, spec, config"
_SELECT = (
    f"SELECT {_COLUMNS} FROM containers LEFT JOIN images ON images.id = image_id"  # noqa: S608
    " WHERE status = 'running' AND (name = ? OR containers.id = ?) ORDER BY name = ? DESC"
)


class Running:
    """A container whose record says that it runs. ``spec`` and ``image`` are what the database has: JSON."""

    __slots__ = ("_image", "_spec", "driver", "id", "name", "pid", "pid_start", "runtime")

    def __init__(self, row: tuple[Any, ...]) -> None:
        self.id, self.name, self.pid, self.pid_start, self.runtime, self.driver, self._spec, self._image = row

    @property
    def group_add(self) -> tuple[str, ...]:
        """Groups that each of its users is in besides."""
        return tuple(json.loads(self._spec).get("group_add") or ())

    @property
    def home_given(self) -> bool:
        """Tell whether HOME was asked for, by the container's options or its image."""
        image = json.loads(self._image) if self._image else {}
        of_image = (image.get("config") or {}).get("Env") or ()
        return "HOME" in (json.loads(self._spec).get("env") or {}) or any(
            variable.startswith("HOME=") for variable in of_image
        )


def find(database: str, name: str) -> Running | None:
    """Return the container of this name or full id, if its record says that it runs.

    None also when the database can't be read like this: whoever opens it in full learns why.
    """
    if not os.path.exists(database):  # sqlite3 would make it
        return None
    connection = sqlite3.connect(database)
    try:
        row = connection.execute(_SELECT, (name, name, name)).fetchone()
    except sqlite3.Error:
        return None
    finally:
        connection.close()
    return row and Running(row)
