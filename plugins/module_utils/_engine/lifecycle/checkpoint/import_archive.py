# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a container of the archive of a checkpoint: one that has ended in it, as if it had been made here.

All of the archive is read before anything of the container is made. The row has the intent from its first moment, so what
was killed half-way is found and taken away, with the volumes that came with it.
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

#: Files of the stage, beside what was in the archive.
_FILES, _UPPER, _DATA = "files", "upper", "data"


@dataclass(frozen=True)
class Arrival:
    """An archive that was looked into: its descriptor, what it says, and what the container is made from here."""

    fd: int
    dump: CheckpointDump
    source: Source


@contextmanager
def opened(engine: Engine, options: RestoreOptions) -> Iterator[Arrival]:
    """Open the archive and read what it holds; raises InvalidOption, ArchiveBroken, NotFound for the image."""
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
    """Return what is to become of it here: its name, and no log in another's place."""
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
            remedy=f"The checkpoint needs that very image, {dump.image_id[:12]}: load it first",
        )
    return Source.of(image, engine.layout, mounted)


def check(engine: Engine, arrival: Arrival) -> None:
    """Refuse what could only fail later, before anything is made."""
    dump = arrival.dump
    if dump.spec.userns is not None:
        raise NotBuiltYet(
            "checkpoints of containers with a user namespace can't be imported yet", option="import"
        )
    if dump.machine != os.uname().machine:
        raise HostLacks(
            f"the checkpoint is of a {dump.machine}, and this host is a {os.uname().machine}",
            machine=dump.machine,
        )
    runtime = oci.find_runtime(dump.runtime)
    if os.path.basename(engine.runtime or dump.runtime) != dump.runtime:
        raise HostLacks(
            f"the checkpoint was made with {dump.runtime}, and no other runtime can restore it",
            remedy=Words("Leave runtime out, or write ", Setting("runtime", dump.runtime)),
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
            f"the archive has content for the volume {', '.join(known)}, which is there already",
            remedy=Words(
                "Remove the volume, or write ",
                Setting("ignore_volumes", True),
                " to go on with what it holds",
            ),
            volumes=known,
        )


def _named(dump: CheckpointDump) -> Iterator[str]:
    for mount in (dump.spec.mounts or {}).values():
        if mount.kind == VOLUME and mount.source:
            yield mount.source


def find_brought(engine: Engine, arrival: Arrival) -> ContainerRecord | None:
    """Return the container of this name if it came of this archive already, None when it is to be made.

    Raises NameInUse for any other.
    """
    with engine.database.reading() as connection:
        found = containers.by_name(connection, arrival.dump.spec.name)
        if found is None:
            containers.refuse_id(connection, arrival.dump.spec.name)
    if found is None or found.intent == IMPORT:  # with the intent: half made by a task that was killed
        return None
    seen = observe(engine, found)
    runs = seen.status == status.RUNNING and seen.restored is not None
    waits = seen.is_checkpointed and seen.checkpointed == arrival.dump.checkpointed
    if runs or waits:
        return seen
    raise NameInUse(
        f"the name {seen.name!r} belongs to container {seen.id}",
        remedy="Write another name, or remove that container first",
        name=seen.name,
        id=seen.id,
    )


def bring_in(engine: Engine, arrival: Arrival) -> ContainerRecord:
    """Make the container, ended in the checkpoint; the lock on its name is held.

    Raises ArchiveBroken, UnsafeEntry, StoreFull, NameInUse; nothing is left then, and nothing of an earlier try.
    """
    with engine.database.reading() as connection:
        half = containers.by_name(connection, arrival.dump.spec.name)
    if half is not None:
        take_away(engine, half.id)
    container_id = new_id()
    try:
        return _bring_in(engine, arrival, container_id)
    except BaseException:  # also at an interrupt: a half import would stand in the way of the next
        take_away(engine, container_id)
        raise


def take_away(engine: Engine, container_id: str) -> None:
    """Remove a container that came of an archive, with the volumes that were made with it; others are left alone."""
    with suppress(NotFound), hold(engine, container_id, "remove") as record:
        with engine.database.reading() as connection:
            found = [volumes.get(connection, name) for name in record.volumes.values()]
        remove_held(engine, record, with_volumes=True)
        for one in found:
            if one is not None and one.created == record.created:
                discard(engine, one.spec.name)


def _bring_in(engine: Engine, arrival: Arrival, container_id: str) -> ContainerRecord:
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
    """Unpack all of the archive into the stage; it has to hold what it says that it does."""
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
    """Move what was unpacked to where it belongs; the record's intent says that this may be half done."""
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
    """Note that the volume has its content: nothing is to be copied into it any more."""
    with engine.database.transaction() as connection:
        volume = volumes.get(connection, name)
        if volume is not None:
            volumes.update(connection, replace(volume, needs_copy_up=False, needs_chown=False))
    keep_volume(engine, name, durable=False)
