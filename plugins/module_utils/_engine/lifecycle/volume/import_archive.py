# SPDX-License-Identifier: GPL-3.0-or-later
"""Replace a volume's content with an archive's, all or nothing; the same archive again changes nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from ...errors import ArchiveBroken, EngineError, Setting, Words, unreadable
from ...frozen import dataclass
from ...images.archive.error_path import telling
from ...images.layers.directory import components
from ...images.layers.unpack import unpack_tree
from ...images.tar import read as tarread
from ...images.tar.decompress import decoded
from ...images.tar.read import Chunks
from ...images.tar.streams import Digest, ahead, section
from ...kernel import files, untrusted_files
from ...model.container.option import LIVE
from ...model.volume.content import Origin, Snapshot
from ...model.volume.spec import VolumeRecord
from ...plan.diff import Difference
from ...volumes import snapshots, unchanged
from ...volumes.stage import stage
from ..core.engine import Engine
from ..core.outcome import Outcome
from ..guard.waste import sweep
from ..image.load import left_out_warnings
from ..inspect.volume_content import content_shape
from . import replace
from .kept_snapshots import fresh
from .read_content import find_volume, is_empty, with_room

_BEFORE = "before-import"


class NotEmpty(EngineError):
    """The volume is not empty, and the task does not allow its content to be replaced."""

    code = "not_empty"


@dataclass(frozen=True)
class Read:
    """The result of reading an archive: its digest, the snapshot kept, and the attributes left out."""

    digest: str
    kept: Snapshot | None = None
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class VolumeImport:
    """A task's request. ``force``: replace any content; ``backup``: keep the content as a snapshot."""

    volume: str
    src: str
    force: bool = False
    backup: bool = True


def import_volume(engine: Engine, request: VolumeImport) -> Outcome:
    """Replace the volume's content with the archive's, unless the same archive was imported last.

    Raises NotFound, InvalidOption (``src``), NotEmpty, InUse, OwnFileSystem, ArchiveBroken, UnsafeEntry, StoreFull, HostLacks
    (zstd); the volume is unchanged then.
    """
    record = find_volume(engine, request.volume)
    replace.check_plain(record)
    if not engine.predicting:
        replace.mend(engine, request.volume)
        sweep(engine)
    with engine.timings.of("import"), _opened(request.src) as fd, telling(request.src):
        if _is_known(engine, record, fd):
            return Outcome(
                result=_result(engine, request.volume, None), warnings=_changed_since(engine, request)
            )
        return _imported(engine, request, fd)


def _imported(engine: Engine, request: VolumeImport, fd: int) -> Outcome:
    _check_empty(engine, request)
    replace.check_unused(engine, request.volume)
    before = snapshots.read_origin(engine.layout.volume(request.volume))
    keeps = request.backup and not is_empty(engine, request.volume)
    act = _read if engine.predicting else _unpack_and_exchange
    read = act(engine, request, fd)
    found = (Difference("content", before.digest if before else None, read.digest, LIVE),)
    result = _result(engine, request.volume, read.kept)
    return Outcome(_actions(request, keeps), found, LIVE, result, warnings=left_out_warnings(read.left_out))


def _actions(request: VolumeImport, kept: bool) -> tuple[str, ...]:  # noqa: FBT001
    words = (f"kept the content of volume {request.volume} as a snapshot",) if kept else ()
    return (*words, f"imported {request.src} into volume {request.volume}")


@contextmanager
def _opened(path: str) -> Iterator[int]:
    """Open the archive, without blocking on a FIFO. Raises InvalidOption."""
    try:
        fd = untrusted_files.open_file(path)
    except OSError as error:
        raise unreadable("src", path, error, remedy="Name a tar archive on the host") from None
    try:
        yield fd
    finally:
        os.close(fd)


def _is_known(engine: Engine, record: VolumeRecord, fd: int) -> bool:
    """Return whether this archive is the one that last replaced the volume's content."""
    origin = snapshots.read_origin(engine.layout.volume(record.spec.name))
    if origin is None or origin.digest is None:
        return False
    digest = Digest()
    for _chunk in digest.through(section(fd, 0)):
        pass
    return digest.text == origin.digest


def _changed_since(engine: Engine, request: VolumeImport) -> tuple[str, ...]:
    """Return a warning for a task that would replace any content, but whose archive is known: this may be a restore."""
    if not request.force or unchanged.is_untouched(engine.layout.volume(request.volume)):
        return ()
    text = (
        f"volume {request.volume} has changed since {request.src} was imported, and the same archive is not imported again; "
        "to do so, restore a snapshot of the volume first (volume_snapshot, state=restored)"
    )
    return (text,)


def _check_empty(engine: Engine, request: VolumeImport) -> None:
    if not request.force and not is_empty(engine, request.volume):
        raise NotEmpty(
            f"volume {request.volume} is not empty, and its content is not from this archive",
            remedy=Words(
                "Write ",
                Setting("force", True),
                " to replace its content, which is kept as a snapshot unless backup is false",
            ),
            name=request.volume,
        )


def _read(_engine: Engine, request: VolumeImport, fd: int) -> Read:
    """Read the archive as an import does; return its digest. Raises ArchiveBroken, UnsafeEntry, HostLacks."""
    digest = Digest()
    source = Chunks(decoded(digest.through(section(fd, 0))))
    count = 0
    for entry in tarread.entries(source):
        count += 1
        components(entry.name, entry=entry.name)  # refuses a path that leaves the volume
        source.skip(entry.stored)
    source.drain()
    _check_any(request, count)
    return Read(digest.text)


def _unpack_and_exchange(engine: Engine, request: VolumeImport, fd: int) -> Read:
    """Unpack the archive into a stage, then exchange it with the volume's content."""
    name = request.volume
    with stage(engine.layout.volume(name)) as top:
        digest, left_out = _unpack(engine, request, fd, f"{top}/content/data")
        origin = Origin(os.path.realpath(request.src), time.time_ns(), digest)
        with replace.held(engine, name, f"import into volume {name}"):
            _check_empty(engine, request)
            kept = fresh(engine, name, _BEFORE) if request.backup and not is_empty(engine, name) else None
            replace.put(engine, name, f"{top}/content", keep=kept, origin=origin)
    engine.tell("volume", "import", name, name)
    return Read(digest, kept, left_out)


def _unpack(engine: Engine, request: VolumeImport, fd: int, into: str) -> tuple[str, tuple[str, ...]]:
    os.makedirs(into, 0o700)
    digest = Digest()
    with ExitStack() as stack:
        stack.enter_context(with_room(f"to unpack {request.src} for volume {request.volume}", request.volume))
        place = stack.enter_context(files.directory(into))
        model = stack.enter_context(files.directory(engine.layout.volume_data(request.volume)))
        stream = stack.enter_context(ahead(decoded(digest.through(section(fd, 0)))))
        content = unpack_tree(stream, into=place, model=model)
    _check_any(request, content.entries)
    return digest.text, content.left_out


def _check_any(request: VolumeImport, entries: int) -> None:
    if not entries:
        raise ArchiveBroken(f"{request.src} has no entries: it is not a tar archive, or an empty one")


def _result(engine: Engine, name: str, kept: Snapshot | None) -> dict[str, Any]:
    told = content_shape(engine.layout.volume(name))
    return {**told, "kept": kept.name if kept else None}
