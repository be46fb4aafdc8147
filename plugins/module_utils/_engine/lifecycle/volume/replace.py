# SPDX-License-Identifier: GPL-3.0-or-later
"""Replace all of a volume's content while no container that runs has it, and mend what a kill left of that.

A running container holds the old directory and would go on with what is no volume's content any more. So the locks on
all containers that have the volume are held, and the exchange is announced (volumes/exchange.py) before containers that
came meanwhile are looked for; a start saves its intent before it looks for an announced exchange (``mend``). So of a start
and an exchange at once, one sees the other.
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
    """The volume has a file system of its own, whose top nothing can be exchanged with."""

    code = "own_file_system"


def check_plain(record: VolumeRecord) -> None:
    """Raise OwnFileSystem where all content can't be replaced in one step."""
    if record.spec.driver_options.is_mounted_apart:
        name = record.spec.name
        raise OwnFileSystem(
            f"volume {name} has a file system of its own, whose content can't be replaced in one step",
            remedy="Write what is to be in it with slipway.oci.volume_content",
            name=name,
        )


def mend(engine: Engine, name: str) -> None:
    """End an exchange of a volume's content that was announced: by waiting for who is at it, or for one that is dead.

    What a kill left in the volume's stage goes too, as after the last step of a restore, which leaves nothing else to be done.
    """
    stage.sweep(engine.layout.volume(name))
    if exchange.is_pending(engine.layout.volume(name)):
        with engine.lock_volume(name, "content"):
            settle(engine, name)


def settle(engine: Engine, name: str) -> None:
    """End what a killed exchange left; the volume's lock is held."""
    volume = engine.layout.volume(name)
    stage.sweep(volume)
    exchange.settle(
        volume,
        trash=engine.layout.staging,
        note_arrival=lambda _origin: _mark_filled(engine, name),
    )


@contextmanager
def held(engine: Engine, name: str, what: str) -> Iterator[VolumeRecord]:
    """Hold the volume and all containers that have it, none of which may run; yields its record.

    Raises InUse with the names of those that run, NotFound when the volume went meanwhile, LockTimeout.
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
    """Raise InUse when a container runs that has the volume; takes no lock, so as to tell early, and to predict."""
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
    """Let the ``data`` of a stage become the volume's content; its lock is held, and no container runs that has it.

    ``starting``: the id of a container whose start this is a part of. Raises InUse when another has been started
    meanwhile; the volume is as before then, and the stage is gone.
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
    """Tell whether a container runs, or is about to."""
    return record.status in status.CLAIMS or bool(record.intent)


def _refuse(name: str, users: list[str]) -> NoReturn:
    raise InUse(
        f"volume {name} is in use: {', '.join(sorted(users))} runs, and would go on with the old content",
        remedy="Stop it, or have it restarted by a handler after this",
        name=name,
        users=sorted(users),
    )


def _get(engine: Engine, name: str) -> VolumeRecord | None:
    with engine.database.reading() as connection:
        return volumes.get(connection, name)


def _mark_filled(engine: Engine, name: str) -> None:
    """Note that the volume has its content: nothing is to be copied into it any more."""
    with engine.database.transaction() as connection:
        volume = volumes.get(connection, name)
        if volume is not None:
            volumes.update(connection, replace(volume, needs_copy_up=False, needs_chown=False))
    keep_volume(engine, name, durable=False)
