# SPDX-License-Identifier: GPL-3.0-or-later
"""Write an archive to a file on the host, atomically, and only if it differs from the existing file."""

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
    """The file to write, symlinks followed, and its digest before, None if it does not exist."""

    dest: str
    before: Digest | None

    def unchanged(self) -> Outcome:
        """Return the outcome of a task that leaves the file unchanged."""
        return Outcome(result=_shape(self.dest, self.before))


def find_place(path: str) -> Place:
    """Return the file to write. Raises InvalidOption (``dest``) if it can't be written."""
    dest = check_file(path)
    return Place(dest, _digest_of(dest))


def bring(
    engine: Engine, place: Place, what: str, chunks: Iterator[bytes], *, check: Callable[[], object]
) -> Outcome:
    """Write the archive to the file, unless it already has that content; ``what`` names the exported object.

    ``check`` is called when all chunks are read; if it raises, the file is unchanged. In check mode nothing is written.
    Raises StoreFull, InvalidOption.
    """
    before = place.before
    after = _sum(chunks, before) if engine.predicting else _write(chunks, place, check)
    if before is not None and after is not None and before.text == after.text:
        return Outcome(result=_shape(place.dest, after))
    actions = (f"exported {what} to {place.dest}",)
    found = _differences(before, after)
    return Outcome(actions, found, LIVE if found else "", result=_shape(place.dest, after))


def write(fd: int, chunk: bytes, dest: str) -> None:
    """Write to an open file; errors name ``dest``. Raises StoreFull, InvalidOption, BrokenPipeError."""
    try:
        write_all(fd, memoryview(chunk))
    except BrokenPipeError:
        raise
    except OSError as error:
        _unwritten(dest, error)


def check_file(path: str) -> str:
    """Return the file to write, symlinks followed. Raises InvalidOption (``dest``) if it can't be written."""
    dest = os.path.realpath(path)
    parent = os.path.dirname(dest)
    if os.path.isdir(dest):
        raise InvalidOption("dest", path, "is a directory", remedy="Give the path of a file")
    if os.path.lexists(dest) and not os.path.isfile(dest):
        raise InvalidOption("dest", path, "is not a regular file", remedy="Give the path of a file")
    if not os.path.isdir(parent):
        raise Missing("dest", path, "is in a directory that does not exist", remedy=f"Create {parent} first")
    if not os.access(parent, os.W_OK):
        raise InvalidOption(
            "dest", path, "can't be written", remedy=f"Check whether {parent} is mounted read-only"
        )
    return dest


def _digest_of(path: str) -> Digest | None:
    """Return the size and sha256 of a file, None if it does not exist."""
    if not os.path.exists(path):
        return None
    digest = Digest()
    try:
        fd = untrusted_files.open_file(path)
    except OSError as error:
        raise unreadable("dest", path, error, remedy="Give the path of a file") from error
    with open(fd, "rb") as file:
        for _chunk in digest.through(section(file.fileno(), 0)):
            pass
    return digest


def _sum(chunks: Iterator[bytes], before: Digest | None) -> Digest | None:
    """Return the archive's digest; None if no file exists, since the archive is a change then anyway."""
    if before is None:
        return None
    digest = Digest()
    for _chunk in digest.through(chunks):
        pass
    return digest


def _write(chunks: Iterator[bytes], place: Place, check: Callable[[], object]) -> Digest:
    """Write the archive, and rename it into place unless the file has that content."""
    digest, before = Digest(), place.before
    with closing(fresh_file(place.dest)) as fresh:
        for chunk in digest.through(chunks):
            write(fresh.fd, chunk, place.dest)
        check()
        if before is None or digest.text != before.text:
            place_file(fresh, place.dest)
    return digest


def fresh_file(dest: str) -> FreshFile:
    """Create a temporary file for ``dest``. Raises StoreFull, InvalidOption (``dest``)."""
    try:
        return FreshFile(dest)
    except OSError as error:
        _unwritten(dest, error)


def place_file(fresh: FreshFile, dest: str) -> None:
    """Rename the temporary file to ``dest``. Raises StoreFull, InvalidOption (``dest``)."""
    try:
        fresh.place()
    except OSError as error:
        _unwritten(dest, error)


def _shape(dest: str, digest: Digest | None) -> dict[str, object]:
    known = {"size": digest.size, "checksum": digest.text.partition(":")[2]} if digest else {}
    return {"dest": dest, **known}


def _differences(before: Digest | None, after: Digest | None) -> tuple[Difference, ...]:
    """Return the differences from an existing file; none for a new one, which check mode can't know."""
    if before is None or after is None:
        return ()
    return (Difference("checksum", before.text, after.text, LIVE),)


def _unwritten(dest: str, error: OSError) -> NoReturn:
    """Raise the error that says why the archive could not be written."""
    if error.errno in _FULL:
        remedy = "Free space there, or write to another file system"
        raise StoreFull(f"no space left for {dest}", remedy=remedy, path=dest) from error
    raise InvalidOption("dest", dest, f"can't be written: {error.strerror}") from error
