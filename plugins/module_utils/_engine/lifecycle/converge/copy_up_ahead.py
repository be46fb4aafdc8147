# SPDX-License-Identifier: GPL-3.0-or-later
"""Copy up into the volumes of a container that is to replace another, before that is stopped: a copy that fails harms nobody.

All copies are made aside first. A volume that nobody runs with gets its own then. Into one that the old container runs with, and
into anonymous ones, which are made with their container, nothing is put before that is gone: their copies only show that there
is room and that all can be read.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple, Optional

from ...errors import EngineError, HostLacks, StoreFull
from ...kernel import usernamespace
from ...kernel.disk_full import NO_ROOM
from ...kernel.files import held
from ...kernel.staging import staging
from ...model.engine.record import ContainerRecord
from ...model.volume.spec import VolumeRecord, VolumeSpec
from ...rootfs import view
from ...state import volumes
from ...volumes.copyup import Part, content_size, copied_aside
from ..core.engine import Engine
from ..core.source import Source
from ..resources.volume_facts import living
from ..resources.volume_open import opened
from ..volume.populate import has_owner, mark_copied, may_fill, parts_of


def fill(engine: Engine, to_come: ContainerRecord, source: Source) -> None:
    """Fill the volumes of the container to come, or try it. Raises what the copy does: StoreFull, HostLacks.

    Where the host can show the new root file system only when it is mounted for good, nothing is done.
    """
    names = sorted({*to_come.volumes.values()})
    found = {name: _known(engine, name) for name in names}
    wanted = {name: volume for name, volume in found.items() if volume is None or may_fill(engine, volume)}
    if not wanted:
        return
    with ExitStack() as stack:
        try:
            rootfs = stack.enter_context(_root(engine, to_come, source))
        except (EngineError, OSError):
            return
        work = _Work(engine, to_come, source, rootfs)
        with engine.timings.of("fill_ahead"), _told():
            _fill_all(work, wanted)


def _known(engine: Engine, name: str) -> VolumeRecord | None:
    with engine.database.reading() as connection:
        return volumes.get(connection, name)


@contextmanager
def _root(engine: Engine, to_come: ContainerRecord, source: Source) -> Iterator[str]:
    """Give a path of the new root file system with the owners that the container will see, which only this process has."""
    if to_come.spec.rootfs:
        yield to_come.spec.image
        return
    ids = to_come.mapping
    with ExitStack() as stack:
        userns = None if ids is None else stack.enter_context(usernamespace.opened(ids.uids, ids.gids))
        fd = view.open_image(source.lowers[::-1], engine.layout.staging, userns)
        yield f"/proc/self/fd/{stack.enter_context(held(fd))}"


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        full = error.errno in NO_ROOM
        raise (StoreFull if full else HostLacks)(
            f"the volumes of the new container can't be filled: {error}",
            remedy="Make room on that file system" if full else "See to that file, and run the task again",
        ) from error


class _Work(NamedTuple):
    """What is to be filled from what: ``rootfs`` shows the root file system of the container to come."""

    engine: Engine
    to_come: ContainerRecord
    source: Source
    rootfs: str

    def parts(self, volume: VolumeRecord) -> tuple[Part, ...]:
        """Return what the container wants of the volume."""
        return parts_of(self.engine, volume, self.to_come, self.rootfs, self.source)


def _fill_all(work: _Work, wanted: Mapping[str, Optional[VolumeRecord]]) -> None:
    """Make all copies, side by side since together they have to fit, and then place those that nobody runs with."""
    with ExitStack() as stack:
        placing = [_copy(work, name, wanted[name], stack) for name in sorted(wanted)]
        for place in placing:
            place()


def _copy(work: _Work, name: str, known: Optional[VolumeRecord], stack: ExitStack) -> Callable[[], object]:
    """Make the copy for one volume, and return what puts it there."""
    if known is None:
        return _copy_for_anonymous(work, name, stack)
    engine = work.engine
    stack.enter_context(engine.lock_volume(name, f"copy-up for {work.to_come.name}"))
    volume = _known(engine, name)
    if volume is None or not volume.needs_copy_up:  # filled meanwhile
        return _nothing
    data = stack.enter_context(opened(engine, volume))
    with engine.database.reading() as connection:
        shared = living(connection, name)
    parts = work.parts(volume)
    if shared and volume.spec.driver_options.is_mounted_apart:
        _measure(work.rootfs, parts, data)
        return _nothing
    place = stack.enter_context(
        copied_aside(
            rootfs=work.rootfs,
            parts=parts,
            volume=os.path.dirname(data),
            keep_root=has_owner(volume) or not volume.needs_chown,
        )
    )
    if shared or place is None:
        return _nothing
    return lambda: mark_copied(engine, volume, work.to_come, parts, place())


def _copy_for_anonymous(work: _Work, name: str, stack: ExitStack) -> Callable[[], object]:
    """Make the copy where volumes are; the volume itself is made with its container."""
    place, _fd = stack.enter_context(staging(work.engine.layout.staging))
    parts = work.parts(VolumeRecord(VolumeSpec(name), 0, anonymous=True))
    os.makedirs(f"{place}/{name}/data", 0o700)
    stack.enter_context(copied_aside(rootfs=work.rootfs, parts=parts, volume=f"{place}/{name}"))
    return _nothing


def _nothing() -> None:
    """Place nothing."""


def _measure(rootfs: str, parts: Sequence[Part], data: str) -> None:
    disk = os.statvfs(data)
    free, needed = disk.f_bavail * disk.f_frsize, content_size(rootfs=rootfs, parts=parts)
    if needed > free:
        name = os.path.basename(os.path.dirname(data))
        raise StoreFull(
            f"no space to copy {parts[0].destination} into volume {name}: {needed} bytes are needed, and {free} are free",
            remedy="Free space on the file system of the volume; the volume is empty as before",
            volume=name,
        )
