# SPDX-License-Identifier: GPL-3.0-or-later
"""Choose the id mapping of a container's user namespace (seed: setupStorageMapping; getAutoUserNS).

It is chosen at creation and kept in the record, because it determines the owners of the container's files. ``auto``
allocates ids in the transaction that inserts the record, so no two containers share an id; deleting the row frees them.
getAutoUserNS is a function of containers/storage.
"""

from __future__ import annotations

import os
import sqlite3

from ...errors import HostLacks, NotFound, Setting, Words, WrongState, unreadable
from ...kernel import namespaces as kernel
from ...kernel import usernamespace
from ...model.container import namespaces
from ...model.container.spec import ContainerSpec
from ...model.container.userns import AUTO, UserNamespace
from ...model.engine.record import ContainerRecord
from ...model.values.idmap import IdMap, Range
from ...model.values.names import near
from ...plan import usernamespace as plan
from ...state import containers
from ..core.engine import Engine
from ..core.source import Source
from .accounts import account_file

#: The subordinate ids of users: subuid(5), subgid(5).
SUBUID, SUBGID = "/etc/subuid", "/etc/subgid"
#: Only this many characters are read: the files are small.
_LIMIT = 4 * 1024 * 1024


def decide(
    connection: sqlite3.Connection, spec: ContainerSpec, source: Source, before: IdMap | None = None
) -> IdMap | None:
    """Return the id mapping of a new container, or None in the host's user namespace.

    ``before`` is that of the container that it replaces. Raises HostLacks, InvalidOption, NotFound.
    """
    wanted = spec.userns
    if wanted is None:
        return None
    name, path = namespaces.container(wanted.mode), namespaces.path(wanted.mode)
    if name is not None:
        return _of_container(connection, name)
    if path is not None:
        return _of_path(path)
    if wanted.mode == AUTO:
        return _automatic(connection, spec, source, before)
    return _private(wanted)


def foresee(engine: Engine, spec: ContainerSpec, source: Source) -> IdMap | None:
    """Return the id mapping that a container of this spec will get, also when it replaces one of its name.

    Raises what ``decide`` raises.
    """
    if spec.userns is None:
        return None
    with engine.database.reading() as connection:
        replaced = containers.by_name(connection, spec.name)
        return decide(connection, spec, source, replaced.mapping if replaced else None)


def verify(record: ContainerRecord, other: ContainerRecord | None) -> None:
    """Check that a joined user namespace has the mapping of the container's files. Raises WrongState."""
    path = namespaces.path(namespaces.of(record.spec, "user"))
    if path is not None:
        found = _of_path(path)
    elif other is not None and other.process is not None:
        found = _of_process(other.process.pid)
    else:
        return
    if found != record.mapping:
        raise WrongState(
            f"container {record.name} was created with another id mapping than the user namespace that it joins",
            remedy=Words("Run the task once with ", Setting("recreate", True)),
            name=record.name,
        )


def _of_container(connection: sqlite3.Connection, name: str) -> IdMap | None:
    found = containers.find(connection, name)
    if found is None:
        known = near(name, containers.names(connection))
        raise NotFound("container", name, near=known, remedy="Correct the name in userns")
    return found.mapping


def _of_path(path: str) -> IdMap | None:
    if kernel.is_ours(path, "user"):  # a process cannot enter its own user namespace
        return None
    try:
        return _sorted(*usernamespace.mapping_of(path))
    except OSError as error:
        raise unreadable("userns", f"ns:{path}", error) from None


def _of_process(pid: int) -> IdMap | None:
    return _sorted(*usernamespace.read(pid))


def _sorted(uids: usernamespace.Lines, gids: usernamespace.Lines) -> IdMap | None:
    found = IdMap(tuple(sorted(Range(*line) for line in uids)), tuple(sorted(Range(*line) for line in gids)))
    return None if found == _sorted_host() else found


def _sorted_host() -> IdMap:
    uids, gids = usernamespace.read(os.getpid())
    return IdMap(tuple(sorted(Range(*line) for line in uids)), tuple(sorted(Range(*line) for line in gids)))


def _private(wanted: UserNamespace) -> IdMap:
    if wanted.subuid is None or wanted.subgid is None:
        return IdMap(wanted.uids, wanted.gids)
    return IdMap(
        plan.named(_read(SUBUID), wanted.subuid, SUBUID), plan.named(_read(SUBGID), wanted.subgid, SUBGID)
    )


def _automatic(
    connection: sqlite3.Connection, spec: ContainerSpec, source: Source, before: IdMap | None
) -> IdMap:
    roots = source.lowers or ((spec.image,) if spec.rootfs else ())
    passwd, group = account_file(roots, "/etc/passwd"), account_file(roots, "/etc/group")
    user = spec.user if spec.user is not None else source.config.user if source.config else ""
    free = tuple(plan.spans(_read(file), plan.AUTO_USER) for file in (SUBUID, SUBGID))
    for spans, file in zip(free, (SUBUID, SUBGID)):
        if not spans:
            raise plan.missing(plan.AUTO_USER, file)
    return plan.automatic(
        spec.userns or UserNamespace(AUTO),
        needed=plan.size_needed(passwd, group, user or ""),
        free=(free[0], free[1]),
        used=containers.mappings(connection),
        before=before,
    )


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read(_LIMIT)
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise HostLacks(f"cannot read {path}: {error.strerror}", file=path) from error
