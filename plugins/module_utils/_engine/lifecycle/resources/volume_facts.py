# SPDX-License-Identifier: GPL-3.0-or-later
"""Determine which containers need a volume, and whether it is mounted, from processes, intents and mountinfo.

A reference count, such as libpod's, would be wrong for ever after one crash.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence

from ...kernel import mountinfo
from ...model.engine.record import ContainerRecord
from ...model.volume.spec import VolumeFacts
from ...state import containers, volumes
from ..core.engine import Engine
from ..core.facts import alive

#: Intents that begin with mounts. A container with one is about to run, or its start was killed; then its volumes are
#: released when it is repaired.
_BEGINNING = ("start", "restore")


def facts_of(engine: Engine, connection: sqlite3.Connection, name: str) -> VolumeFacts:
    """Return a volume's present users, running users and mount state."""
    return facts_of_all(engine, connection, [name])[name]


def facts_of_all(
    engine: Engine, connection: sqlite3.Connection, names: Sequence[str]
) -> dict[str, VolumeFacts]:
    """Return the facts of several volumes, by name; mountinfo is read once."""
    mounted = {*mounted_names(engine)}
    return {
        name: VolumeFacts(
            tuple(user for _id, user in volumes.users(connection, name)),
            living(connection, name),
            name in mounted,
        )
        for name in names
    }


def holding(engine: Engine, name: str) -> str:
    """Return the directory of an unmounted volume if it is not empty, else ""."""
    data = engine.layout.volume_data(name)
    try:
        with os.scandir(data) as found:
            return data if any(True for _entry in found) else ""
    except FileNotFoundError:
        return ""


def living(connection: sqlite3.Connection, name: str, *, besides: str = "") -> tuple[str, ...]:
    """Return the names of the containers with this volume that run or start, except the id ``besides``."""
    found = [containers.get(connection, number) for number, _name in volumes.users(connection, name)]
    return tuple(one.name for one in found if one is not None and one.id != besides and needs(one))


def needs(record: ContainerRecord) -> bool:
    """Return whether the container runs, or is about to."""
    return record.intent in _BEGINNING or alive(record.process) is not None


def is_mounted(engine: Engine, name: str) -> bool:
    """Return whether the volume's data is a mount point, without asking a server that may be gone."""
    volume = os.path.realpath(engine.layout.volume(name))
    return mountinfo.at(f"{volume}/data") is not None


def mounted_names(engine: Engine) -> Iterator[str]:
    """Yield the names of the volumes whose data is a mount point."""
    top = os.path.realpath(engine.layout.volumes)
    for entry in mountinfo.below(top):
        name, _slash, rest = entry.target.removeprefix(f"{top}/").partition("/")
        if rest == "data":
            yield name
