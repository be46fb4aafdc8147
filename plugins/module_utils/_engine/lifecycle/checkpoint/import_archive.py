# SPDX-License-Identifier: GPL-3.0-or-later
"""Create a container from the archive of a checkpoint, as if it had been checkpointed on this host.

The whole archive is read before the container is created. Its row carries the intent from the first moment, so an import
that was killed half-way is found and removed, together with the volumes that it created.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ...errors import (
    ArchiveBroken,
    HostLacks,
    InUse,
    NameInUse,
    NotBuiltYet,
    NotFound,
    Setting,
    Words,
    unreadable,
)
from ...frozen import dataclass, replace
from ...images import checkpointarchive
from ...images.archive.documents import parse_object
from ...images.archive.error_path import telling
from ...images.checkpointarchive import IMAGES, VOLUMES
from ...images.layers.unpack import unpack
from ...images.tar.streams import section
from ...kernel import files, libc, untrusted_files
from ...kernel.staging import staging
from ...model.container import status
from ...model.container.checkpoint import IMPORT, RestoreOptions
from ...model.engine.checkpoint_dump import CONFIG, ROOTFS, SHM, CheckpointDump
from ...model.engine.record import ContainerRecord
from ...model.mounts.mount import VOLUME
from ...model.values.names import new_id
from ...runtime import criu, oci
from ...state import containers, images, volumes
from ..container.create import create
from ..container.remove import remove_held
from ..core.dependencies import refuse_not_running, refuse_stuck, to_start
from ..core.engine import Engine
from ..core.facts import observe, save
from ..core.images import named_by
from ..core.sidecars import keep_volume
from ..core.source import Source
from ..guard import checkpoint_files
from ..guard.hold import hold
from ..preflight.container import check as check_start
from ..resources.volume import discard

#: Directories of the stage: the archive's members, the unpacked root file system, and the volumes (with a suffix).
_FILES, _UPPER, _DATA = "files", "upper", "data"


@dataclass(frozen=True)
class Arrival:
    """An opened archive: its descriptor, its decoded description, and what the container is created from."""

    fd: int
    dump: CheckpointDump
    source: Source


@contextmanager
def opened(engine: Engine, options: RestoreOptions) -> Iterator[Arrival]:
    """Open the archive and read its description. Raises InvalidOption, ArchiveBroken, NotFound (image)."""
    path = options.source or ""
    try:
        fd = untrusted_files.open_file(path)
    except OSError as error:
        raise unreadable("import", path, error) from None
    try:
        with telling(path):
            dump = CheckpointDump.decode(parse_object(checkpointarchive.document(fd), what=CONFIG))
            yield Arrival(fd, _adapted(dump, options), _source(engine, dump))
    finally:
        os.close(fd)


def _adapted(dump: CheckpointDump, options: RestoreOptions) -> CheckpointDump:
    """Return the description with the options applied, and without the other host's path of the log."""
    spec = replace(dump.spec, name=options.name or dump.spec.name)
    log_options = {key: value for key, value in (spec.log_opt or {}).items() if key != "path"}
    kept = () if options.ignore_volumes else dump.kept
    has_rootfs = dump.has_rootfs and not options.ignore_rootfs
    return replace(dump, spec=replace(spec, log_opt=log_options or None), kept=kept, has_rootfs=has_rootfs)


def _source(engine: Engine, dump: CheckpointDump) -> Source:
    with engine.database.reading() as connection:
        mounted = named_by(connection, dump.spec)
        image = images.get(connection, dump.image_id) if dump.image_id else None
    if image is None and dump.image_id is not None:
        raise NotFound(
            "image",
            dump.spec.image,
            remedy=f"Load exactly that image ({dump.image_id[:12]}) first; the checkpoint needs it",
        )
    return Source.of(image, engine.layout, mounted)


def check(engine: Engine, arrival: Arrival) -> None:
    """Check that the archive can be imported and restored, before anything is created.

    Raises NotBuiltYet, HostLacks, InUse, and what the checks of a start raise.
    """
    dump = arrival.dump
    if dump.spec.userns is not None:
        raise NotBuiltYet(
            "import of checkpoints of containers with a user namespace is not implemented", option="import"
        )
    if dump.machine != os.uname().machine:
        raise HostLacks(
            f"the checkpoint was made on {dump.machine}, and this host is {os.uname().machine}",
            machine=dump.machine,
        )
    runtime = oci.find_runtime(dump.runtime)
    if os.path.basename(engine.runtime or dump.runtime) != dump.runtime:
        raise HostLacks(
            f"the checkpoint was made with {dump.runtime}, and no other runtime can restore it",
            remedy=Words("Omit runtime, or use ", Setting("runtime", dump.runtime)),
            program=dump.runtime,
        )
    criu.check(runtime)
    _check_volumes(engine, dump)
    needed = to_start(engine, None, dump.spec)
    refuse_stuck(dump.spec.name, needed)
    refuse_not_running(dump.spec.name, needed)
    check_start(replace(engine, runtime=dump.runtime), dump.spec, arrival.source)


def _check_volumes(engine: Engine, dump: CheckpointDump) -> None:
    with engine.database.reading() as connection:
        known = sorted({*_named(dump)} & {*dump.kept} & {one.spec.name for one in volumes.all(connection)})
    if known:
        raise InUse(
            f"the archive contains the volume {', '.join(known)}, which exists already",
            remedy=Words(
                "Remove the volume, or use ",
                Setting("ignore_volumes", True),
                " to keep its present content",
            ),
            volumes=known,
        )


def _named(dump: CheckpointDump) -> Iterator[str]:
    for mount in (dump.spec.mounts or {}).values():
        if mount.kind == VOLUME and mount.source:
            yield mount.source


def find_brought(engine: Engine, arrival: Arrival) -> ContainerRecord | None:
    """Return the container of this name if it was imported from this archive, or None if the name is free.

    A running container counts if it was restored, a checkpointed one if its time of checkpoint is the archive's. Raises
    NameInUse for any other container of that name.
    """
    with engine.database.reading() as connection:
        found = containers.by_name(connection, arrival.dump.spec.name)
        if found is None:
            containers.refuse_id(connection, arrival.dump.spec.name)
    if found is None or found.intent == IMPORT:  # with the intent: left half made by a killed task
        return None
    seen = observe(engine, found)
    runs = seen.status == status.RUNNING and seen.restored is not None
    waits = seen.is_checkpointed and seen.checkpointed == arrival.dump.checkpointed
    if runs or waits:
        return seen
    raise NameInUse(
        f"the name {seen.name!r} belongs to container {seen.id}",
        remedy="Choose another name, or remove that container first",
        name=seen.name,
        id=seen.id,
    )


def bring_in(engine: Engine, arrival: Arrival) -> ContainerRecord:
    """Create the container, exited and checkpointed; the lock on its name is held.

    A half-made container of an earlier attempt is removed first. Raises ArchiveBroken, UnsafeEntry, StoreFull, NameInUse;
    nothing is left then.
    """
    with engine.database.reading() as connection:
        half = containers.by_name(connection, arrival.dump.spec.name)
    if half is not None:
        take_away(engine, half.id)
    container_id = new_id()
    try:
        return _import(engine, arrival, container_id)
    except BaseException:  # also on an interrupt: a half import would block the next one
        take_away(engine, container_id)
        raise


def take_away(engine: Engine, container_id: str) -> None:
    """Remove an imported container and the volumes that were created with it, but no others."""
    with suppress(NotFound), hold(engine, container_id, "remove") as record:
        with engine.database.reading() as connection:
            found = [volumes.get(connection, name) for name in record.volumes.values()]
        remove_held(engine, record, with_volumes=True)
        for one in found:
            if one is not None and one.created == record.created:
                discard(engine, one.spec.name)


def _import(engine: Engine, arrival: Arrival, container_id: str) -> ContainerRecord:
    with staging(engine.layout.staging) as (stage, _fd):
        _unpack(arrival, stage)
        with files.directory(stage) as made:
            libc.syncfs(made)
        with engine.lock_container(container_id, IMPORT):
            return _make(engine, arrival.dump, arrival.source, container_id, stage)


def _make(
    engine: Engine, dump: CheckpointDump, source: Source, container_id: str, stage: str
) -> ContainerRecord:
    own = replace(engine, runtime=oci.find_runtime(dump.runtime).path)
    record = create(own, dump.spec, source, container_id=container_id, intent=IMPORT)
    _place(engine, record, dump, stage)
    when = dump.checkpointed
    return save(
        engine,
        record,
        status=status.EXITED,
        intent="",
        started=dump.started,
        finished=when,
        checkpointed=when,
    )


def _unpack(arrival: Arrival, stage: str) -> None:
    """Unpack the whole archive into the stage. Raises ArchiveBroken when a file that it lists is missing."""
    os.mkdir(f"{stage}/{_FILES}", 0o700)
    names = checkpointarchive.extract(arrival.fd, f"{stage}/{_FILES}")
    wanted = {f"{IMAGES}/{criu.INVENTORY}", *(f"{VOLUMES}/{name}.tar" for name in arrival.dump.kept)}
    missing = sorted((wanted | {ROOTFS} if arrival.dump.has_rootfs else wanted) - names)
    if missing:
        raise ArchiveBroken(f"the archive lacks {missing[0]}", missing=missing)
    if arrival.dump.has_rootfs:
        _unpack_tree(f"{stage}/{_FILES}/{ROOTFS}", f"{stage}/{_UPPER}", arrival.source.lowers)
    if SHM in names:
        _unpack_tree(f"{stage}/{_FILES}/{SHM}", f"{stage}/{_FILES}/{IMAGES}/{checkpoint_files.SHM}", ())
    for name in arrival.dump.kept:
        _unpack_tree(f"{stage}/{_FILES}/{VOLUMES}/{name}.tar", f"{stage}/{_DATA}-{name}", ())


def _unpack_tree(archive: str, into: str, lowers: tuple[str, ...]) -> None:
    os.mkdir(into, 0o700)
    with open(archive, "rb") as stream, files.directory(into) as place:
        unpack(section(stream.fileno(), 0), into=place, lowers=lowers)


def _place(engine: Engine, record: ContainerRecord, dump: CheckpointDump, stage: str) -> None:
    """Move the unpacked files into place; while the record carries the intent, this may be half done."""
    container = engine.layout.container(record.id)
    os.rename(f"{stage}/{_FILES}/{IMAGES}", container.checkpoint)
    if dump.has_rootfs:
        os.rename(f"{stage}/{_UPPER}", container.upper)
    came = {name: dump.volumes.get(destination) for destination, name in record.volumes.items()}
    for name, old in sorted(came.items()):
        if old in dump.kept:
            with engine.lock_volume(name, IMPORT):
                os.rename(f"{stage}/{_DATA}-{old}", engine.layout.volume_data(name))
                _mark(engine, name)
    files.fsync_directory(container.bundle)
    files.fsync_directory(container.static)


def _mark(engine: Engine, name: str) -> None:
    """Record that the volume has its content, so that neither copy-up nor chown touches it."""
    with engine.database.transaction() as connection:
        volume = volumes.get(connection, name)
        if volume is not None:
            volumes.update(connection, replace(volume, needs_copy_up=False, needs_chown=False))
    keep_volume(engine, name, durable=False)
