# SPDX-License-Identifier: GPL-3.0-or-later
"""Write an archive to a file on the host: whole or not at all, and not when the same is there already."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import NoReturn

from ...errors import InvalidOption, Missing, StoreFull, unreadable
from ...frozen import dataclass
from ...images.tar.streams import Digest, section, write_all
from ...kernel import untrusted_files
from ...kernel.atomic_file import FreshFile
from ...model.container.option import LIVE
from ...plan.diff import Difference
from .engine import Engine
from .outcome import Outcome

_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class Place:
    """The file to write, symlinks followed, and the digest of what is there, None for nothing."""

    dest: str
    before: Digest | None

    def unchanged(self) -> Outcome:
        """Return what a task tells that leaves the file as it is."""
        return Outcome(result=_told(self.dest, self.before))


def find_place(path: str) -> Place:
    """Look at the file to write; raises InvalidOption (``dest``) when there can be none."""
    dest = check_file(path)
    return Place(dest, _digest_of(dest))


def bring(
    engine: Engine, place: Place, what: str, chunks: Iterator[bytes], *, check: Callable[[], object]
) -> Outcome:
    """Have the archive in the file; ``what`` is exported, the same archive once more is no change.

    ``check`` is called when all was read, and may raise: the file is as before then. Predicting, nothing is written.
    Raises StoreFull, InvalidOption.
    """
    before = place.before
    after = _sum(chunks, before) if engine.predicting else _write(chunks, place, check)
    if before is not None and after is not None and before.text == after.text:
        return Outcome(result=_told(place.dest, after))
    actions = (f"exported {what} to {place.dest}",)
    found = _differences(before, after)
    return Outcome(actions, found, LIVE if found else "", result=_told(place.dest, after))


def write(fd: int, chunk: bytes, dest: str) -> None:
    """Write to an open file, ``dest`` in errors; raises StoreFull, InvalidOption, BrokenPipeError."""
    try:
        write_all(fd, memoryview(chunk))
    except BrokenPipeError:
        raise
    except OSError as error:
        _unwritten(dest, error)


def check_file(path: str) -> str:
    """Return the file to write, symlinks followed; raises InvalidOption (``dest``) when there can be none."""
    dest = os.path.realpath(path)
    parent = os.path.dirname(dest)
    if os.path.isdir(dest):
        raise InvalidOption("dest", path, "is a directory", remedy="Name the file to write")
    if os.path.lexists(dest) and not os.path.isfile(dest):
        raise InvalidOption("dest", path, "is no regular file", remedy="Name a file to write")
    if not os.path.isdir(parent):
        raise Missing("dest", path, "is in a directory that does not exist", remedy=f"Make {parent} first")
    if not os.access(parent, os.W_OK):
        raise InvalidOption("dest", path, "can't be written", remedy=f"Is {parent} mounted read-only?")
    return dest


def _digest_of(path: str) -> Digest | None:
    """Return size and sha256 of a file, None when there is none."""
    if not os.path.exists(path):
        return None
    digest = Digest()
    try:
        fd = untrusted_files.open_file(path)
    except OSError as error:
        raise unreadable("dest", path, error, remedy="Name a file to write") from error
    with open(fd, "rb") as file:
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


def _write(chunks: Iterator[bytes], place: Place, check: Callable[[], object]) -> Digest:
    """Write the archive, and put it in its place unless the same is there."""
    digest, before = Digest(), place.before
    with closing(fresh_file(place.dest)) as fresh:
        for chunk in digest.through(chunks):
            write(fresh.fd, chunk, place.dest)
        check()
        if before is None or digest.text != before.text:
            place_file(fresh, place.dest)
    return digest


def fresh_file(dest: str) -> FreshFile:
    """Begin a new file; raises StoreFull, InvalidOption (``dest``)."""
    try:
        return FreshFile(dest)
    except OSError as error:
        _unwritten(dest, error)


def place_file(fresh: FreshFile, dest: str) -> None:
    """Put the new file in its place; raises StoreFull, InvalidOption (``dest``)."""
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
