# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the archive of a checkpoint: images, description of the container, its changed files and its volumes.

The container's lock is held, so the files of a container that has exited do not change meanwhile; those of one that was
left running may. Seed: prepareCheckpointExport, writeJSONFile.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import closing

from ...errors import InvalidOption, Missing, NotBuiltYet, Setting, Words
from ...images import checkpointarchive
from ...images.checkpointarchive import IMAGES, VOLUMES, Member
from ...images.tar import compress, upper_layer
from ...images.tar import tree as treestream
from ...images.tar.streams import write_all
from ...kernel.atomic_file import FreshFile
from ...kernel.staging import staging
from ...model.container.checkpoint import CheckpointOptions
from ...model.engine.checkpoint_dump import CONFIG, ROOTFS, SHM, SPEC, CheckpointDump
from ...model.engine.record import ContainerRecord
from ...model.engine.storage_drivers import FUSE, VFS
from ..core.engine import Engine
from ..guard import checkpoint_files
from ..resources.volume import get_volume


def check(record: ContainerRecord, options: CheckpointOptions) -> None:
    """Check that the archive can be written, before the container is stopped for it.

    Raises InvalidOption, Missing, NotBuiltYet, and what the check of the compression raises.
    """
    target = options.export or ""
    remedy = "Name a file in an existing directory"
    if os.path.isdir(target):
        raise InvalidOption("export", target, "is a directory", remedy=remedy)
    if not os.path.isdir(os.path.dirname(target)):
        raise Missing("export", target, "is in a directory that does not exist", remedy=remedy)
    if record.spec.rootfs and not options.ignore_rootfs:
        raise InvalidOption(
            "export",
            target,
            f"cannot contain the root file system of {record.name}, which is a directory of the host",
            remedy=Words("Use ", Setting("ignore_rootfs", True), ", and copy the directory yourself"),
        )
    if record.driver == VFS and not (options.ignore_rootfs or record.spec.rootfs):
        raise NotBuiltYet(
            f"container {record.name} has the storage driver vfs, which does not track the container's changes",
            remedy=Words(
                "Use ", Setting("ignore_rootfs", True), ", and copy the files that you need yourself"
            ),
            option="export",
        )
    if record.mapping is not None:
        raise NotBuiltYet(
            f"container {record.name} has its own user namespace; archives of such containers are not implemented",
            option="export",
        )
    compress.check(options.compress)


def export(engine: Engine, record: ContainerRecord, options: CheckpointOptions) -> None:
    """Write the archive atomically; an existing file is replaced."""
    with staging(engine.layout.staging) as (stage, _fd), closing(FreshFile(options.export or "")) as fresh:
        archive = checkpointarchive.chunks([*_members(engine, record, options, stage)])
        for chunk in compress.encoded(archive, options.compress):
            write_all(fresh.fd, memoryview(chunk))
        fresh.place()


def _members(
    engine: Engine, record: ContainerRecord, options: CheckpointOptions, stage: str
) -> Iterator[Member]:
    """Yield the archive's members in order; trees are packed into the stage first."""
    container = engine.layout.container(record.id)
    volumes = () if options.ignore_volumes else _own_volumes(record)
    has_rootfs = not (options.ignore_rootfs or record.spec.rootfs)
    yield Member(CONFIG, _json(_dump(record, volumes, has_rootfs=has_rootfs).encode()))
    with open(f"{container.bundle}/config.json", "rb") as stream:
        yield Member(SPEC, _json(json.load(stream)))
    for name in sorted(os.listdir(container.checkpoint)):
        if name != checkpoint_files.SHM:
            yield Member(f"{IMAGES}/{name}", path=f"{container.checkpoint}/{name}")
    kept = f"{container.checkpoint}/{checkpoint_files.SHM}"
    if os.path.isdir(kept):
        yield Member(SHM, path=_pack(treestream.chunks(kept), f"{stage}/{SHM}"))
    if has_rootfs:
        yield Member(
            ROOTFS,
            path=_pack(upper_layer.chunks(container.upper, files=record.driver == FUSE), f"{stage}/{ROOTFS}"),
        )
    for name in volumes:
        path = _pack_volume(engine, name, f"{stage}/{name}.volume")
        yield Member(f"{VOLUMES}/{name}.tar", path=path)


def _own_volumes(record: ContainerRecord) -> tuple[str, ...]:
    """Return the names of the container's volumes, without those from other containers (volumes_from)."""
    own = {name for path, name in record.volumes.items() if path not in record.implied}
    return tuple(sorted(own))


def _json(value: object) -> bytes:
    return json.dumps(value, indent=2).encode()


def _dump(record: ContainerRecord, volumes: tuple[str, ...], *, has_rootfs: bool) -> CheckpointDump:
    return CheckpointDump(
        spec=record.spec,
        image_id=record.image_id,
        runtime=os.path.basename(record.runtime),
        machine=os.uname().machine,
        started=record.started or record.created,
        checkpointed=record.checkpointed or record.created,
        volumes=record.volumes,
        kept=volumes,
        has_rootfs=has_rootfs,
    )


def _pack_volume(engine: Engine, name: str, path: str) -> str:
    known = get_volume(engine, name)
    if known is None or not known.spec.driver_options.is_mounted_apart:
        return _pack(treestream.chunks(engine.layout.volume_data(name)), path)
    from ..resources.volume_open import opened

    with engine.lock_volume(name, "export"), opened(engine, known) as data:
        return _pack(treestream.chunks(data), path)


def _pack(tree: Iterator[bytes], path: str) -> str:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as stream:
        stream.writelines(tree)
    return path
