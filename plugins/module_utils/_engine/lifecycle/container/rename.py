# SPDX-License-Identifier: GPL-3.0-or-later
"""Rename a container. Files on disk are named by id, so only the row and the name inside change."""

from __future__ import annotations

from contextlib import ExitStack

from ...errors import NotFound
from ...frozen import replace
from ...model.container import status
from ...model.container.spec import ContainerSpec
from ...model.engine.record import ContainerRecord
from ...model.values.names import check_name
from ...state import containers
from ..core.engine import Engine
from ..core.facts import save_and_tell
from ..guard.hold import hold

#: The file in the run directory that is bind-mounted at /etc/hosts.
_HOSTS = "hosts"
_HOSTS_LIMIT = 1024 * 1024


def rename(engine: Engine, record: ContainerRecord, name: str) -> ContainerRecord:
    """Rename the container, running or not, and return its record.

    Both names are locked, so no task creates a container with either meanwhile. Raises InvalidOption for an invalid name,
    NameInUse, and NotFound if the container was removed or renamed meanwhile.
    """
    check_name("name", name)
    with ExitStack() as locks:
        for each in sorted({record.name, name}, key=lambda word: engine.layout.lock("name", word)):
            locks.enter_context(engine.lock_name(each, f"rename {record.name}"))
        held = locks.enter_context(hold(engine, record.id, "rename"))
        if held.name != record.name:
            raise NotFound("container", record.name)
        if held.name == name:
            return held
        with engine.database.reading() as connection:
            containers.refuse_id(connection, name)
        spec = replace(held.spec, name=name)
        if held.status in status.ALIVE and held.endpoints:
            return _in_networks(engine, held, spec)
        changed = _saved(engine, held, spec=spec)
        if changed.status in status.ALIVE:
            _rename_in_hosts(engine, held, name)
        return changed


def _saved(engine: Engine, record: ContainerRecord, **changes: object) -> ContainerRecord:
    return save_and_tell(engine, record, ("rename",), {"old_name": record.name}, **changes)


def _in_networks(engine: Engine, record: ContainerRecord, spec: ContainerSpec) -> ContainerRecord:
    """Rename a container that others resolve by name: the new name replaces the old one in its networks."""
    from ..wiring import rewire
    from ..wiring.connect import REWIRE

    rewire.note(engine, record)
    return rewire.finish(engine, _saved(engine, record, spec=spec, intent=REWIRE), told=())


def _rename_in_hosts(engine: Engine, record: ContainerRecord, name: str) -> None:
    """Replace the old name in the container's /etc/hosts; the next start rewrites the file.

    Written in place: the file is bind-mounted, so the container would not see a new one.
    """
    path = f"{engine.layout.container(record.id).files}/{_HOSTS}"
    try:
        with open(path, "r+", encoding="utf-8", errors="surrogateescape") as stream:
            before = stream.read(_HOSTS_LIMIT)
            after = "".join(_renamed(line, record.name, name) for line in before.splitlines(keepends=True))
            if after != before:
                stream.seek(0)
                stream.write(after)
                stream.truncate()
    except FileNotFoundError:  # the container has no /etc/hosts of the engine's
        return


def _renamed(line: str, old: str, new: str) -> str:
    """Return the line with the new name if the engine wrote it: the container's name is its last word."""
    words = line.split()
    return (
        line
        if len(words) < 2 or words[-1] != old
        else "\t".join((words[0], " ".join((*words[1:-1], new)))) + "\n"
    )
