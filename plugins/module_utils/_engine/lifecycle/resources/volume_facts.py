# SPDX-License-Identifier: GPL-3.0-or-later
"""See who needs a volume, and whether it is mounted: from processes, intents and mountinfo, never from a count.

A count, as libpod has it, is wrong for ever after one crash.
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

#: What begins with mounts. A container with such an intent is about to live, or was killed at it; then it gives its volumes
#: back when it is mended.
_BEGINNING = ("start", "restore")


def facts_of(engine: Engine, connection: sqlite3.Connection, name: str) -> VolumeFacts:
    """Return what is seen of a volume now."""
    return facts_of_all(engine, connection, [name])[name]


def facts_of_all(
    engine: Engine, connection: sqlite3.Connection, names: Sequence[str]
) -> dict[str, VolumeFacts]:
    """Return the same of several volumes, by name; the mounts are read once."""
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
    """Return the directory of a volume on which nothing is mounted if it holds something, else ""."""
    data = engine.layout.volume_data(name)
    try:
        with os.scandir(data) as found:
            return data if any(True for _entry in found) else ""
    except FileNotFoundError:
        return ""


def living(connection: sqlite3.Connection, name: str, *, besides: str = "") -> tuple[str, ...]:
    """Return the names of the containers that live, or are about to, with this volume; ``besides`` an id."""
    found = [containers.get(connection, number) for number, _name in volumes.users(connection, name)]
    return tuple(one.name for one in found if one is not None and one.id != besides and needs(one))


def needs(record: ContainerRecord) -> bool:
    """Tell whether the container lives, or is about to."""
    return record.intent in _BEGINNING or alive(record.process) is not None


def is_mounted(engine: Engine, name: str) -> bool:
    """Tell whether something is mounted on the volume's data, without asking a server that may be gone."""
    volume = os.path.realpath(engine.layout.volume(name))
    return mountinfo.at(f"{volume}/data") is not None


def mounted_names(engine: Engine) -> Iterator[str]:
    """Yield the names of the volumes on whose data something is mounted."""
    top = os.path.realpath(engine.layout.volumes)
    for entry in mountinfo.below(top):
        name, _slash, rest = entry.target.removeprefix(f"{top}/").partition("/")
        if rest == "data":
            yield name
