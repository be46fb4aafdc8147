# SPDX-License-Identifier: GPL-3.0-or-later
"""Cache the result of a task that found its container unchanged, and return it again while nothing changes.

The cache is in the container's run directory, so it ends with the container and with the boot. It needs no sync: a lost or
damaged result is computed again by a full convergence.
"""

from __future__ import annotations

import json
import os

from ...state import stored_rows
from . import look

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ...model.engine.layout import Layout

#: Cached results for each container: enough for the tasks of a play that name it.
_MOST = 8


class Task:
    """What recognition must know about a task.

    ``key`` is the digest of the engine, all options, and ``files``: the digests of files that the options name, by path.
    """

    __slots__ = ("files", "key", "layout", "name")

    def __init__(self, layout: Layout, name: str, key: str, files: Mapping[str, str]) -> None:
        self.layout, self.name, self.key, self.files = layout, name, key, files


def recall(task: Task, *, predicting: bool) -> dict[str, Any] | None:
    """Return the cached result of the same task if nothing has changed since; None if in doubt."""
    try:
        if not (os.path.exists(task.layout.database) and look.is_usual(task.layout)):
            return None
        stored = stored_rows.read(task.layout.database, task.name, leaving_nothing=predicting)
        return None if stored is None else _recall(task, stored, predicting=predicting)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _recall(task: Task, stored: stored_rows.Stored, *, predicting: bool) -> dict[str, Any] | None:
    with open(f"{_place(task, stored)}/{task.key}", encoding="utf-8") as stream:
        kept = json.load(stream)
    if look.seen(task.layout, stored) != kept["seen"]:
        return None
    result: dict[str, Any] = kept["result"]
    if kept["checked"] is None and not kept["waits"]:
        return result
    from . import health

    told = kept["checked"] and not predicting
    return health.renewed(
        task.layout, stored.row, result, checked=kept["checked"] is not None, told=told, waits=kept["waits"]
    )


def keep(
    task: Task, stored: stored_rows.Stored, seen: str, result: Mapping[str, Any], **how: bool | None
) -> None:
    """Cache a result with the digest; the container's lock is held, so that its run directory stays.

    ``waits``: the task waits until the container is ready. ``checked``: whether each task notifies the health checker of
    the container; None: it has no health check. Raises OSError.
    """
    place = _place(task, stored)
    if not os.path.isdir(place):
        os.mkdir(place, 0o700)
    others = os.listdir(place)
    for name in others if len(others) >= _MOST else ():
        os.unlink(f"{place}/{name}")
    _write(f"{place}/{task.key}", json.dumps({"seen": seen, "result": result, **how}))


def _write(path: str, text: str) -> None:
    new = f"{path}.{os.getpid()}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(new, flags, 0o600), "w", encoding="utf-8") as stream:
        stream.write(text)
    os.rename(new, path)


def _place(task: Task, stored: stored_rows.Stored) -> str:
    return task.layout.container(stored.row["id"]).results
