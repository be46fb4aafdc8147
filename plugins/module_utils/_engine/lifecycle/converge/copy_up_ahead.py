# SPDX-License-Identifier: GPL-3.0-or-later
"""Copy-up for a replacement before the old container is stopped, so that a failing copy does no harm.

All copies are first made in staging. A volume that no living container uses gets its copy then. A volume of the running old
container, and an anonymous volume, which is created with its container, is filled only once the old container is gone: its
copy just proves that there is space and that all files can be read.
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
    """Fill the volumes of the future container, or try to. Raises StoreFull or HostLacks from the copy.

    Do nothing if the host can only show the new root file system by mounting it for good.
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
        with engine.timings.of("fill_ahead"), _named_errors():
            _fill_all(work, wanted)


def _known(engine: Engine, name: str) -> VolumeRecord | None:
    with engine.database.reading() as connection:
        return volumes.get(connection, name)


@contextmanager
def _root(engine: Engine, to_come: ContainerRecord, source: Source) -> Iterator[str]:
    """Yield a path to the new root file system with the container's owners, valid in this process only."""
    if to_come.spec.rootfs:
        yield to_come.spec.image
        return
    ids = to_come.mapping
    with ExitStack() as stack:
        userns = None if ids is None else stack.enter_context(usernamespace.opened(ids.uids, ids.gids))
        fd = view.open_image(source.lowers[::-1], engine.layout.staging, userns)
        yield f"/proc/self/fd/{stack.enter_context(held(fd))}"


@contextmanager
def _named_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        full = error.errno in NO_ROOM
        raise (StoreFull if full else HostLacks)(
            f"the volumes of the new container can't be filled: {error}",
            remedy="Free space on that file system" if full else "Correct the cause, and run the task again",
        ) from error


class _Work(NamedTuple):
    """The copy-up of a future container; ``rootfs`` is the path of its root file system."""

    engine: Engine
    to_come: ContainerRecord
    source: Source
    rootfs: str

    def parts(self, volume: VolumeRecord) -> tuple[Part, ...]:
        """Return the parts of the root file system that the container copies into the volume."""
        return parts_of(self.engine, volume, self.to_come, self.rootfs, self.source)


def _fill_all(work: _Work, wanted: Mapping[str, Optional[VolumeRecord]]) -> None:
    """Make all copies at once, because they must fit together, then place those of volumes not in use."""
    with ExitStack() as stack:
        placing = [_copy(work, name, wanted[name], stack) for name in sorted(wanted)]
        for place in placing:
            place()


def _copy(work: _Work, name: str, known: Optional[VolumeRecord], stack: ExitStack) -> Callable[[], object]:
    """Make the copy for one volume; return a function that places it."""
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
    """Make the copy on the volumes' file system; the volume itself is created with its container."""
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
            f"no space to copy {parts[0].destination} into volume {name}: {needed} bytes are needed, {free} are free",
            remedy="Free space on the volume's file system; the volume is still empty",
            volume=name,
        )
