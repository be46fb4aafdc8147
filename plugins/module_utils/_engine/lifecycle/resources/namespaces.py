# SPDX-License-Identifier: GPL-3.0-or-later
"""Resolve the namespaces that a container joins: the host's, another container's, or one named by a path.

Another container's namespaces are those of its PID 1, identified by PID and start time; ``verify`` checks afterwards that
it was the same process throughout. Seed: hasNamespace; libpod's addNamespaceContainer and makeBindMounts.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from ...errors import InvalidOption, NotFound, Setting, Words, WrongState
from ...kernel import namespaces as kernel
from ...model.container import namespaces, status
from ...model.container.spec import ContainerSpec
from ...model.engine.record import ContainerRecord
from ...model.values.names import near
from ...state import containers, dependencies
from ..core.engine import Engine
from ..core.facts import alive, observe
from . import id_mapping
from .contract import Joined

#: Files that belong to a network namespace: all containers that join it share them (libpod, makeBindMounts).
_OF_NETWORK = ("/etc/resolv.conf", "/etc/hosts")
_HOST_SHM = "/dev/shm"  # noqa: S108 the host's own


def check(engine: Engine, spec: ContainerSpec) -> None:
    """Check that the namespaces can be joined. Raises InvalidOption, WrongState, NotFound."""
    for kind, option in namespaces.OPTIONS.items():
        path = namespaces.path(namespaces.of(spec, kind))
        if path is not None:
            kernel.check(option, path, kind)
    name = namespaces.container(spec.ipc or "")
    if name is not None:
        with engine.database.reading() as connection:
            other = containers.find(connection, name)
        if other is not None:  # dependencies.py reports a missing one
            check_shareable(other, "ipc", f"container:{name}")


def join(engine: Engine, record: ContainerRecord) -> Joined:
    """Return what the container shares now.

    Raises NotFound, WrongState for a container that does not run, InvalidOption.
    """
    others = {kind: other for kind in namespaces.OPTIONS if (other := _other(engine, record, kind))}
    paths = {kind: path for kind in namespaces.OPTIONS if (path := _path(record, kind, others)) is not None}
    id_mapping.verify(record, others.get("user"))
    return Joined(
        paths,
        _files(engine, others.get("network")),
        _shm(engine, record, others.get("ipc")),
        _hostname(engine, record, others.get("uts")),
        tuple({other.id: other for other in others.values()}.values()),
    )


def verify(shared: Joined) -> None:
    """Check that no joined container has exited since ``join``. Raises WrongState: a PID may be reused."""
    for other in shared.others:
        if alive(other.process) is None:
            raise WrongState(
                f"container {other.name} exited while another one was joining its namespaces", name=other.name
            )


def other_container(engine: Engine, record: ContainerRecord, option: str, name: str) -> ContainerRecord:
    """Return the container that the option names.

    It is found by the id that was recorded at creation, because it may have been renamed, else by name or id.
    """
    with engine.database.reading() as connection:
        kept = [item.needs for item in dependencies.of(connection, record.id) if item.via == option]
        found = containers.get(connection, kept[0]) if kept else None
        found = found or containers.find(connection, name)
        if found is None:
            known = containers.names(connection)
            raise NotFound("container", name, near=near(name, known), remedy=f"Correct the name in {option}")
        return found


def _other(engine: Engine, record: ContainerRecord, kind: str) -> ContainerRecord | None:
    option, text = namespaces.OPTIONS[kind], namespaces.of(record.spec, kind)
    name = namespaces.container(text)
    if name is None:
        return None
    other = observe(engine, other_container(engine, record, option, name))
    if other.id == record.id:
        raise InvalidOption(option, text, "is the container itself", remedy="Name another container")
    if other.status not in status.ALIVE or other.process is None:
        raise WrongState(
            f"container {record.name} joins the {kind} namespace of {other.name}, which is {other.status}",
            remedy=f"Start {other.name} first",
            name=other.name,
            status=other.status,
        )
    check_shareable(other, option, text)
    return other


def check_shareable(other: ContainerRecord, option: str, text: str) -> None:
    """Check that other containers may join the namespace. Raises InvalidOption."""
    if option == "ipc" and other.spec.ipc == namespaces.PRIVATE:
        raise InvalidOption(
            option,
            text,
            "cannot be joined: it has ipc: private",
            remedy=Words(f"Recreate {other.name} with ", Setting("ipc", "shareable")),
        )


def _path(record: ContainerRecord, kind: str, others: Mapping[str, ContainerRecord]) -> str | None:
    """Return the path of the namespace to join, "" for the host's, None for a new one."""
    text = namespaces.of(record.spec, kind)
    if text == namespaces.HOST:
        return ""
    path = namespaces.path(text)
    if path is not None:
        kernel.check(namespaces.OPTIONS[kind], path, kind)
    elif kind in others and (process := others[kind].process) is not None:
        path = kernel.path_of(process.pid, kind)
    if path is None:
        return None
    return "" if kernel.is_ours(path, kind) else path


def _files(engine: Engine, owner: ContainerRecord | None) -> dict[str, str]:
    """Return resolv.conf and hosts of the network namespace's owner; ``owner`` may itself have joined it."""
    if owner is None:
        return {}
    files = engine.layout.container(owner_of(engine, owner, "network").id).files
    return {path: f"{files}/{os.path.basename(path)}" for path in _OF_NETWORK}


def _shm(engine: Engine, record: ContainerRecord, other: ContainerRecord | None) -> str | None:
    owner = owner_of(engine, other or record, "ipc")
    if owner.spec.ipc == namespaces.HOST:
        return _HOST_SHM
    return engine.layout.container(owner.id).shm if owner.id != record.id else None


def _hostname(engine: Engine, record: ContainerRecord, other: ContainerRecord | None) -> str | None:
    owner = owner_of(engine, other or record, "uts")
    if owner.id == record.id:
        return None
    return namespaces.hostname_of(owner.spec, owner.id, os.uname().nodename)


def owner_of(engine: Engine, record: ContainerRecord, kind: str) -> ContainerRecord:
    """Return the container that owns the namespace: the last in the chain of joined containers."""
    seen = {record.id}
    while (name := namespaces.container(namespaces.of(record.spec, kind))) is not None:
        record = other_container(engine, record, namespaces.OPTIONS[kind], name)
        if record.id in seen:
            raise InvalidOption(namespaces.OPTIONS[kind], name, "leads back to the container itself")
        seen.add(record.id)
    return record
