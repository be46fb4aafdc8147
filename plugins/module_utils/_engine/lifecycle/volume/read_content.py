# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a volume's content while it is not replaced and, on request, while its containers are frozen."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from ...errors import NotFound, StoreFull
from ...model.values.names import near
from ...model.volume.spec import VolumeRecord
from ...rootfs import view
from ...state import volumes
from ..core.engine import Engine
from ..resources import volume_open
from . import replace

#: Whether running containers that have the volume are frozen while it is read.
PAUSE, NONE = "pause", "none"
CONSISTENT = (PAUSE, NONE)
_FULL = (errno.ENOSPC, errno.EDQUOT)


class Reading(NamedTuple):
    """An open volume: a read-only descriptor of its root, and the names of the frozen containers.

    ``let_go`` thaws these before the volume is closed.
    """

    fd: int
    paused: tuple[str, ...]
    let_go: Callable[[], None]


def find_volume(engine: Engine, name: str) -> VolumeRecord:
    """Return the volume. Raises NotFound, with similar names."""
    with engine.database.reading() as connection:
        record = volumes.get(connection, name)
        if record is None or record.removing:
            known = sorted(volumes.names(connection))
            remedy = "Create it with slipway.oci.volume"
            raise NotFound("volume", name, near=near(name, known), remedy=remedy)
    return record


@contextmanager
def reading(engine: Engine, record: VolumeRecord, consistent: str, what: str) -> Iterator[Reading]:
    """Open the volume's content for reading; no device can be opened through it. Check mode takes no lock.

    Raises NotFound (removed meanwhile), HostLacks (a container can't be frozen), LockTimeout.
    """
    with ExitStack() as stack:
        paused: tuple[str, ...] = ()
        still = stack.enter_context(ExitStack())
        if not engine.predicting:
            if consistent == PAUSE:
                from ..guard.freeze_for_snapshot import stilled

                paused = stack.enter_context(stilled(engine, replace.users(engine, record.spec.name), what))
            stack.enter_context(engine.lock_volume(record.spec.name, what))
            record = find_volume(engine, record.spec.name)
            replace.settle(engine, record.spec.name)
        path = stack.enter_context(volume_open.opened(engine, record))
        fd = view.open_directory(path, engine.layout.staging).fd
        stack.callback(os.close, fd)
        yield Reading(fd, paused, still.close)


def is_empty(engine: Engine, name: str) -> bool:
    """Return whether the volume is empty."""
    return not os.listdir(engine.layout.volume_data(name))


@contextmanager
def with_room(what: str, name: str) -> Iterator[None]:
    """Raise StoreFull when the disk or a quota is full; ``what`` says what the space was for."""
    try:
        yield
    except (StoreFull, OSError) as error:
        if isinstance(error, OSError) and error.errno not in _FULL:
            raise
        raise StoreFull(
            f"no space is left {what}",
            remedy="Free space on the volumes' file system; the volume is unchanged",
            name=name,
        ) from error
