# SPDX-License-Identifier: GPL-3.0-or-later
"""Replace a volume's content in one step, while no running container has it; settle killed exchanges.

A running container holds the old directory open and would keep using content that is no longer the volume's. So an exchange
holds the locks of all containers that have the volume, and announces itself (volumes/exchange.py) before it looks for
containers that were started meanwhile; a start saves its intent before it looks for an announced exchange (``mend``). So when
a start and an exchange race, at least one sees the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import NoReturn

from ...errors import EngineError, InUse, NotFound
from ...frozen import replace
from ...model.container import status
from ...model.engine.record import ContainerRecord
from ...model.volume.content import Origin, Snapshot
from ...model.volume.spec import VolumeRecord
from ...state import containers, volumes
from ...volumes import exchange, stage
from ..core.engine import Engine
from ..core.facts import observe
from ..core.sidecars import keep_volume
from ..guard.hold import hold


class OwnFileSystem(EngineError):
    """The volume has its own file system, whose root directory can't be exchanged."""

    code = "own_file_system"


def check_plain(record: VolumeRecord) -> None:
    """Check that the volume's content can be replaced in one step. Raises OwnFileSystem."""
    if record.spec.driver_options.is_mounted_apart:
        name = record.spec.name
        raise OwnFileSystem(
            f"volume {name} has its own file system, whose content can't be replaced in one step",
            remedy="Manage its files with slipway.oci.volume_content",
            name=name,
        )


def mend(engine: Engine, name: str) -> None:
    """Wait for a pending exchange of a volume's content, or settle it if its process was killed.

    The volume's stage is swept in any case: a restore that was killed after its last step leaves waste there and no exchange.
    """
    stage.sweep(engine.layout.volume(name))
    if exchange.is_pending(engine.layout.volume(name)):
        with engine.lock_volume(name, "content"):
            settle(engine, name)


def settle(engine: Engine, name: str) -> None:
    """Finish or undo a killed exchange and sweep its stage; the caller holds the volume's lock."""
    volume = engine.layout.volume(name)
    stage.sweep(volume)
    exchange.settle(
        volume,
        trash=engine.layout.staging,
        note_arrival=lambda _origin: _mark_filled(engine, name),
    )


@contextmanager
def held(engine: Engine, name: str, what: str) -> Iterator[VolumeRecord]:
    """Lock the volume and all containers that have it, none of which may run; yield the volume's record.

    Raises InUse with the names of the running ones, NotFound when the volume was removed meanwhile, LockTimeout.
    """
    with ExitStack() as stack:
        running = []
        for container_id in sorted(users(engine, name)):
            with suppress(NotFound):  # removed meanwhile
                record = stack.enter_context(hold(engine, container_id, what))
                running += [record.name] if record.status in status.CLAIMS else []
        if running:
            _refuse(name, running)
        stack.enter_context(engine.lock_volume(name, what))
        volume = _get(engine, name)
        if volume is None or volume.removing:
            raise NotFound("volume", name)
        settle(engine, name)
        yield volume


def check_unused(engine: Engine, name: str) -> None:
    """Check that no running container has the volume. Raises InUse.

    Takes no lock: this is the early check, and the one in check mode.
    """
    running = [
        one.name for one in users(engine, name).values() if observe(engine, one).status in status.CLAIMS
    ]
    if running:
        _refuse(name, running)


def put(
    engine: Engine,
    name: str,
    stage: str,
    *,
    keep: Snapshot | None,
    origin: Origin | None,
    starting: str = "",
) -> None:
    """Make a stage's ``data`` the volume's content.

    The caller holds the volume's lock, and no running container has it. ``starting``: the id of the container whose
    start does this. Raises InUse when another was started meanwhile; then the volume is unchanged and the stage is
    removed.
    """
    volume = engine.layout.volume(name)
    exchange.prepare(stage, keep=keep, origin=origin)
    pending = exchange.begin(volume, stage)
    try:
        others = [one for one in users(engine, name).values() if one.id != starting]
        having = [one.name for one in others if _may_have_it(one)]
        if having:
            _refuse(name, having)
        exchange.exchange(volume, pending)
    finally:
        settle(engine, name)


def users(engine: Engine, name: str) -> dict[str, ContainerRecord]:
    """Return the containers that have the volume, running or not, by id."""
    with engine.database.reading() as connection:
        found = [containers.get(connection, one) for one, _name in volumes.users(connection, name)]
    return {record.id: record for record in found if record is not None}


def _may_have_it(record: ContainerRecord) -> bool:
    """Return whether a container runs, or is about to."""
    return record.status in status.CLAIMS or bool(record.intent)


def _refuse(name: str, users: list[str]) -> NoReturn:
    raise InUse(
        f"volume {name} is in use by running containers that would keep the old content: {', '.join(sorted(users))}",
        remedy="Stop them first, and start them again afterwards",
        name=name,
        users=sorted(users),
    )


def _get(engine: Engine, name: str) -> VolumeRecord | None:
    with engine.database.reading() as connection:
        return volumes.get(connection, name)


def _mark_filled(engine: Engine, name: str) -> None:
    """Record that the volume has its content, so that copy-up leaves it alone."""
    with engine.database.transaction() as connection:
        volume = volumes.get(connection, name)
        if volume is not None:
            volumes.update(connection, replace(volume, needs_copy_up=False, needs_chown=False))
    keep_volume(engine, name, durable=False)
