# SPDX-License-Identifier: GPL-3.0-or-later
"""Export a container's root file system as a tar, whether it runs or not (seed: export).

Mounts (volumes, directories of the host, tmpfs) are not part of it. No lock is held: a large export takes long, and a
running container changes meanwhile anyway.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from ...errors import WrongState
from ...frozen import dataclass
from ...images.tar import compress, live_tree
from ...images.tar.read import Entry
from ...images.tar.streams import ahead
from ...kernel import usernamespace
from ...model.container import status
from ...model.engine.record import ContainerRecord
from ...model.values.idmap import IdMap
from ...rootfs import mount_state, user_directory, view
from ...state import containers
from ...trees.shift import shifted
from ..core.archivefile import bring, find_place
from ..core.engine import Engine
from ..core.lookup import find
from ..core.origin import source_of
from ..core.outcome import Outcome


@dataclass(frozen=True)
class ExportRequest:
    """The request of a task; ``force``: update an existing file."""

    container: str
    dest: str
    force: bool = True
    compression: str = compress.NONE


def export(engine: Engine, request: ExportRequest) -> Outcome:
    """Write the archive to a file, idempotently.

    Raises NotFound, InvalidOption (``dest``), HostLacks, StoreFull, WrongState (the container was removed meanwhile); the
    file is unchanged then.
    """
    record = find(engine, request.container)
    place = find_place(request.dest)
    compress.check(request.compression)
    if place.before is not None and not request.force:
        return place.unchanged()
    with engine.timings.of("export"), opened(engine, record, request.compression) as chunks:
        outcome = bring(engine, place, record.name, chunks, check=lambda: check_there(engine, record))
    if not engine.predicting:
        engine.tell("container", "export", record.id, record.name)
    return outcome


@contextmanager
def opened(engine: Engine, record: ContainerRecord, form: str = compress.NONE) -> Iterator[Iterator[bytes]]:
    """Yield the archive as a stream in one of the formats of ``images.tar.compress``."""
    allow_many_files()
    fd, written = open_view(engine, record)
    try:
        owners = owners_of(record.mapping if written else None)
        tree = live_tree.chunks(fd, f"container {record.name}", owners)
        with ahead(compress.encoded(tree, form)) as chunks:
            yield chunks
    finally:
        os.close(fd)


def check_there(engine: Engine, record: ContainerRecord) -> None:
    """Check that the container was not removed during the export. Raises WrongState: files may be missing."""
    with engine.database.reading() as connection:
        now = containers.get(connection, record.id)
    if now is None or now.status == status.REMOVING:
        raise WrongState(f"container {record.name} was removed during its export", name=record.name)


def open_view(engine: Engine, record: ContainerRecord) -> view.View:
    """Open the container's root file system, mounted or not. Raises what mounting raises."""
    scratch = engine.layout.staging  # nothing below it is needed meanwhile
    if record.spec.rootfs:
        return view.open_directory(user_directory.check(record.spec.image), scratch)
    container = engine.layout.container(record.id)
    mount_state.check(container, record.name, record.driver)
    lowers = source_of(engine, record).lowers[::-1]
    mapping = record.mapping
    with usernamespace.opened(mapping.uids, mapping.gids) if mapping else nullcontext() as userns:
        return view.open_container(container, lowers, scratch, userns, driver=record.driver)


def allow_many_files() -> None:
    """Raise this process's limit of open files to its hard limit: a container's tree can be of any depth."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def owners_of(mapping: IdMap | None) -> live_tree.Owners:
    """Return the function that maps an entry's owners to those that the container sees."""
    if mapping is None:
        return lambda entry: entry
    inverse = mapping.inverse()
    return lambda entry: _inside(entry, inverse)


def _inside(entry: Entry, inverse: IdMap) -> Entry:
    uid, gid = inverse.host(entry.uid, entry.gid)
    xattrs = ((name, shifted(os.fsdecode(name), value, inverse)) for name, value in entry.xattrs)
    return entry._replace(uid=uid, gid=gid, xattrs=tuple(xattrs))
