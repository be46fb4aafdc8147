# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep a container's root file system mounted for tools on the host, running or not (podman-mount(1)).

A marker file in the container's run directory is created before the mount and deleted before the unmount. While it exists, a
start and a clean-up leave the mount alone; a removal removes both; a reboot empties the run directory and ends all mounts.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import NamedTuple

from ...errors import WrongState
from ...model.container import status
from ...model.engine.record import ContainerRecord
from ...model.engine.storage_drivers import VFS
from ...rootfs import user_directory
from ...rootfs.mount_state import is_mounted
from ..container.create import prepare_directories
from ..core.engine import Engine
from ..core.facts import observe
from ..core.lookup import find
from ..core.origin import source_of
from ..core.outcome import Outcome
from ..guard.hold import hold
from ..resources import cgroup, rootfs

MOUNTED, UNMOUNTED = "mounted", "unmounted"


class MountRequest(NamedTuple):
    """The request of a task: a container, by name or id, and MOUNTED or UNMOUNTED."""

    container: str
    state: str = MOUNTED


def converge_mount(engine: Engine, request: MountRequest) -> Outcome:
    """Mount or unmount the root file system as requested.

    Raises NotFound, WrongState for a container that is being removed, HostLacks.
    """
    record = observe(engine, find(engine, request.container))
    if record.status == status.REMOVING:
        raise WrongState(f"container {record.name} is being removed", name=record.name, status=record.status)
    act = _mount if request.state == MOUNTED else _unmount
    with engine.timings.of("mount"):
        changed = not (record.spec.rootfs or record.driver == VFS) and act(engine, record)
    return Outcome(
        (f"{request.state} {record.name}",) if changed else (),
        result={"mountpoint": _place(engine, record) if request.state == MOUNTED else ""},
    )


def mounted(engine: Engine) -> list[tuple[str, str]]:
    """Return name and mount point of the containers that are kept mounted."""
    from ...state import containers

    with engine.database.reading() as connection:
        records = containers.all(connection)
    return [
        (record.name, _place(engine, record))
        for record in records
        if os.path.exists(engine.layout.container(record.id).kept_mounted)
    ]


def _place(engine: Engine, record: ContainerRecord) -> str:
    """Return the path of the container's files: its mount point, or the host's directory that it runs on."""
    return (
        user_directory.check(record.spec.image)
        if record.spec.rootfs
        else engine.layout.container(record.id).merged
    )


def _mount(engine: Engine, record: ContainerRecord) -> bool:
    container = engine.layout.container(record.id)
    if os.path.exists(container.kept_mounted) and is_mounted(container, record.driver):
        return False
    if engine.predicting:
        return True
    with hold(engine, record.id, "mount") as held:
        prepare_directories(engine, held)
        os.close(os.open(container.kept_mounted, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        try:
            rootfs.mount(
                container,
                source_of(engine, held).lowers[::-1],
                held.mapping,
                driver=held.driver,
                move=cgroup.monitor_mover(engine, held, "rootfs"),
            )
        except BaseException:  # also on an interrupt: the marker would claim a mount that does not exist
            os.unlink(container.kept_mounted)
            raise
    engine.tell("container", "mount", record.id, record.name)
    return True


def _unmount(engine: Engine, record: ContainerRecord) -> bool:
    container = engine.layout.container(record.id)
    stray = not _is_in_use(record) and is_mounted(container, record.driver)
    if not os.path.exists(container.kept_mounted) and not stray:
        return False
    if engine.predicting:
        return True
    with hold(engine, record.id, "unmount") as held:
        with suppress(FileNotFoundError):
            os.unlink(container.kept_mounted)
        if not _is_in_use(held):
            rootfs.unmount(container, held.driver)
    engine.tell("container", "unmount", record.id, record.name)
    return True


def _is_in_use(record: ContainerRecord) -> bool:
    return record.status in (*status.ALIVE, status.CREATED, status.STOPPED)
