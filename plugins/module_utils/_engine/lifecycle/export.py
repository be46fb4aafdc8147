# SPDX-License-Identifier: GPL-3.0-or-later
"""Export a container's root file system as a tar, whether it runs or not (seed: export).

What is mounted in it (volumes, directories of the host, tmpfs) is not part of it. No lock is held: a large one takes its
time, and a container that runs changes meanwhile anyway.
"""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from typing import NoReturn

from ..errors import InvalidOption, StoreFull, WrongState
from ..images import compressing, livetree
from ..images.streams import Digest, ahead, section, write_all
from ..images.tarread import Entry
from ..kernel import usernamespace
from ..kernel.freshfile import FreshFile
from ..model import status
from ..model.idmap import IdMap
from ..model.record import ContainerRecord
from ..model.spec import LIVE
from ..plan.diff import Difference
from ..rootfs import mounted, plain, view
from ..state import containers
from ..trees.shift import shifted
from .engine import Engine
from .named import find
from .origin import source_of
from .outcome import Outcome

_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class ExportRequest:
    """What a task asks for; ``force``: a file that is there is brought up to date."""

    container: str
    dest: str
    force: bool = True
    compression: str = compressing.NONE


def export(engine: Engine, request: ExportRequest) -> Outcome:
    """Write the archive to a file; the same archive once more is no change.

    Raises NotFound, InvalidOption (``dest``), HostLacks, StoreFull, WrongState (removed meanwhile); the file is as before then.
    """
    record = find(engine, request.container)
    dest = check_dest(request.dest)
    compressing.check(request.compression)
    before = _digest_of(dest)
    if before is not None and not request.force:
        return Outcome(result=_told(dest, before))
    with engine.timings.of("export"), opened(engine, record, request.compression) as chunks:
        after = _sum(chunks, before) if engine.predicting else _write(engine, record, chunks, dest, before)
    if before is not None and after is not None and before.text == after.text:
        return Outcome(result=_told(dest, after))
    actions = (f"exported {record.name} to {dest}",)
    found = _differences(before, after)
    return Outcome(actions, found, LIVE if found else "", result=_told(dest, after))


@contextmanager
def opened(
    engine: Engine, record: ContainerRecord, form: str = compressing.NONE
) -> Iterator[Iterator[bytes]]:
    """Give the archive as a stream, compressed in one of ``compressing.FORMATS``."""
    _allow_many_files()
    fd, written = _view(engine, record)
    try:
        owners = _owners(record.mapping if written else None)
        tree = livetree.chunks(fd, f"container {record.name}", owners)
        with ahead(compressing.encoded(tree, form)) as chunks:
            yield chunks
    finally:
        os.close(fd)


def check_there(engine: Engine, record: ContainerRecord) -> None:
    """Raise WrongState when the container was removed while it was read: then the archive may lack half of it."""
    with engine.database.reading() as connection:
        now = containers.get(connection, record.id)
    if now is None or now.status == status.REMOVING:
        raise WrongState(f"container {record.name} was removed while it was exported", name=record.name)


def check_dest(path: str) -> str:
    """Return the file to write, symlinks followed; raises InvalidOption when there can be none."""
    dest = os.path.realpath(path)
    parent = os.path.dirname(dest)
    if os.path.isdir(dest):
        raise InvalidOption("dest", path, "is a directory", remedy="Name the file to write")
    if os.path.lexists(dest) and not os.path.isfile(dest):
        raise InvalidOption("dest", path, "is no regular file", remedy="Name a file to write")
    if not os.path.isdir(parent):
        raise InvalidOption(
            "dest", path, "is in a directory that does not exist", remedy=f"Make {parent} first"
        )
    if not os.access(parent, os.W_OK):
        raise InvalidOption("dest", path, "can't be written", remedy=f"Is {parent} mounted read-only?")
    return dest


def write(fd: int, chunk: bytes, dest: str) -> None:
    """Write to an open file, ``dest`` in errors; raises StoreFull, InvalidOption, BrokenPipeError."""
    try:
        write_all(fd, memoryview(chunk))
    except BrokenPipeError:
        raise
    except OSError as error:
        _unwritten(dest, error)


# -- reading ---------------------------------------------------------------------------------------


def _view(engine: Engine, record: ContainerRecord) -> view.View:
    scratch = engine.layout.staging  # nothing of it is needed meanwhile
    if record.spec.rootfs:
        return view.open_directory(plain.check(record.spec.image), scratch)
    container = engine.layout.container(record.id)
    mounted.check(container, record.name, record.driver)
    lowers = source_of(engine, record).lowers[::-1]
    mapping = record.mapping
    with usernamespace.opened(mapping.uids, mapping.gids) if mapping else nullcontext() as userns:
        return view.open_container(container, lowers, scratch, userns, driver=record.driver)


def _allow_many_files() -> None:
    """Let this process open as many files as the kernel lets it: a container can make a tree of any depth."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _owners(mapping: IdMap | None) -> livetree.Owners:
    """Return what gives entries the owners that the container sees."""
    if mapping is None:
        return lambda entry: entry
    inverse = mapping.inverse()
    return lambda entry: _inside(entry, inverse)


def _inside(entry: Entry, inverse: IdMap) -> Entry:
    uid, gid = inverse.host(entry.uid, entry.gid)
    xattrs = ((name, shifted(os.fsdecode(name), value, inverse)) for name, value in entry.xattrs)
    return entry._replace(uid=uid, gid=gid, xattrs=tuple(xattrs))


# -- writing ---------------------------------------------------------------------------------------


def _digest_of(path: str) -> Digest | None:
    """Return size and sha256 of a file, None when there is none."""
    if not os.path.exists(path):
        return None
    digest = Digest()
    with open(path, "rb") as file:
        for _chunk in digest.through(section(file.fileno(), 0)):
            pass
    return digest


def _sum(chunks: Iterator[bytes], before: Digest | None) -> Digest | None:
    """Return what the archive would be, where that tells whether it changes."""
    if before is None:
        return None
    digest = Digest()
    for _chunk in digest.through(chunks):
        pass
    return digest


def _write(
    engine: Engine, record: ContainerRecord, chunks: Iterator[bytes], dest: str, before: Digest | None
) -> Digest:
    """Write the archive, and put it in its place unless the same is there."""
    digest = Digest()
    with closing(_fresh(dest)) as fresh:
        for chunk in digest.through(chunks):
            write(fresh.fd, chunk, dest)
        check_there(engine, record)
        if before is None or digest.text != before.text:
            _place(fresh, dest)
    engine.tell("container", "export", record.id, record.name)
    return digest


def _fresh(dest: str) -> FreshFile:
    try:
        return FreshFile(dest)
    except OSError as error:
        _unwritten(dest, error)


def _place(fresh: FreshFile, dest: str) -> None:
    try:
        fresh.place()
    except OSError as error:
        _unwritten(dest, error)


def _told(dest: str, digest: Digest | None) -> dict[str, object]:
    known = {"size": digest.size, "checksum": digest.text.partition(":")[2]} if digest else {}
    return {"dest": dest, **known}


def _differences(before: Digest | None, after: Digest | None) -> tuple[Difference, ...]:
    """Return what differs for a file that was there; of a new one check mode would not know."""
    if before is None or after is None:
        return ()
    return (Difference("checksum", before.text, after.text, LIVE),)


def _unwritten(dest: str, error: OSError) -> NoReturn:
    """Raise what tells why the archive could not be written."""
    if error.errno in _FULL:
        remedy = "Make room there, or write it elsewhere"
        raise StoreFull(f"no space is left for {dest}", remedy=remedy, path=dest) from error
    raise InvalidOption("dest", dest, f"can't be written: {error.strerror}") from error
