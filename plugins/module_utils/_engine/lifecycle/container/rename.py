# SPDX-License-Identifier: GPL-3.0-or-later
"""Give a container another name. Everything on disk is named by id, so only the row changes, and the name inside."""

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

#: The file in the run directory that is bound over /etc/hosts.
_HOSTS = "hosts"
_HOSTS_LIMIT = 1024 * 1024


def rename(engine: Engine, record: ContainerRecord, name: str) -> ContainerRecord:
    """Rename the container, running or not, and return its record.

    Both names are locked, so no task makes a container of one of them meanwhile. Raises InvalidOption for what is no
    name, NameInUse, and NotFound when the container went away or was renamed meanwhile.
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
            _tell_inside(engine, held, name)
        return changed


def _saved(engine: Engine, record: ContainerRecord, **changes: object) -> ContainerRecord:
    return save_and_tell(engine, record, ("rename",), {"old_name": record.name}, **changes)


def _in_networks(engine: Engine, record: ContainerRecord, spec: ContainerSpec) -> ContainerRecord:
    """Rename a container that others know by its name: from now on by the new one, and by the old one no more."""
    from ..wiring import rewire
    from ..wiring.connect import REWIRE

    rewire.note(engine, record)
    return rewire.finish(engine, _saved(engine, record, spec=spec, intent=REWIRE), told=())


def _tell_inside(engine: Engine, record: ContainerRecord, name: str) -> None:
    """Put the new name in the place of the old one in the container's /etc/hosts; a start writes the file anew.

    Written in place: the file is bound into the container, so a new one beside it would not be seen.
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
    except FileNotFoundError:  # no file of ours in there
        return


def _renamed(line: str, old: str, new: str) -> str:
    """Return the line with the new name, if it is the one that the engine wrote: the container's name stands last."""
    words = line.split()
    return (
        line
        if len(words) < 2 or words[-1] != old
        else "\t".join((words[0], " ".join((*words[1:-1], new)))) + "\n"
    )
