# SPDX-License-Identifier: GPL-3.0-or-later
"""The archive of a checkpoint: a tar of a few kinds of files, written in a fixed order and read with mistrust.

What is written in a container is not in it as entries but as a tar within, so no entry's name is more than a file's. Reading
takes regular files of known names alone, each once: anything else was not written here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ..errors import ArchiveBroken, StoreFull, UnsafeEntry
from .tar import read, write
from .tar.decompress import decoded
from .tar.read import Chunks, Entry
from .tar.streams import section, write_all

#: Where CRIU's images are.
IMAGES = "checkpoint"
#: Where the contents of volumes are, each as NAME.tar.
VOLUMES = "volumes"
_TOP = ("config.dump", "spec.dump", "rootfs-diff.tar", "devshm-checkpoint.tar")
_FILE = re.compile(rf"(?:{IMAGES}|{VOLUMES})/[a-zA-Z0-9][a-zA-Z0-9_.+-]{{0,254}}")
#: Far more than CRIU writes for thousands of processes.
_MOST_FILES = 100_000
#: Of a document; those of containers have a few kilobytes.
_LONGEST_DOCUMENT = 4 << 20
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Member(NamedTuple):
    """A file of the archive, with its content or the path of a file that has it."""

    name: str
    content: bytes = b""
    path: str | None = None


def chunks(members: Sequence[Member]) -> Iterator[bytes]:
    """Stream the archive. The document that tells what it is has to be its first member."""
    for member in members:
        if member.path is None:
            yield _header(member.name, len(member.content)) + member.content
            yield write.padding(len(member.content))
        else:
            with open(member.path, "rb") as stream:
                size = os.fstat(stream.fileno()).st_size
                yield _header(member.name, size)
                yield from section(stream.fileno(), 0, size)
                yield write.padding(size)
    yield write.END


def _header(name: str, size: int) -> bytes:
    entry = Entry(os.fsencode(name), read.FILE, 0o600, 0, 0, 0, size, size, b"", (0, 0), (), None)
    return write.header(entry)


def document(fd: int) -> bytes:
    """Return the first file, ``config.dump``; raises ArchiveBroken when there is none."""
    source = Chunks(decoded(section(fd, 0)))
    for entry in read.entries(source):
        if entry.name == os.fsencode(_TOP[0]) and entry.kind == read.FILE and entry.extents is None:
            return _document(source, entry)
        break
    raise ArchiveBroken(f"the archive does not begin with {_TOP[0]}: this is no checkpoint of this engine")


def _document(source: Chunks, entry: Entry) -> bytes:
    if entry.stored > _LONGEST_DOCUMENT:
        raise ArchiveBroken(f"{_TOP[0]} has {entry.stored} bytes, more than {_LONGEST_DOCUMENT}")
    content = source.read(entry.stored)
    if len(content) < entry.stored:
        raise ArchiveBroken(f"{_TOP[0]} is cut short")
    return content


def extract(fd: int, into: str) -> frozenset[str]:
    """Write the archive's files below the empty directory and return their names.

    Raises ArchiveBroken, UnsafeEntry, StoreFull before more is written than fits, and HostLacks (zstd).
    """
    for name in (IMAGES, VOLUMES):
        os.mkdir(f"{into}/{name}", 0o700)
    names: set[str] = set()
    source = Chunks(decoded(section(fd, 0)))
    for entry in read.entries(source):
        name = _checked(entry, names)
        names.add(name)
        _write(source, entry, f"{into}/{name}")
    return frozenset(names)


def _checked(entry: Entry, names: set[str]) -> str:
    """Return the entry's name, which is that of a file to be written and nothing else."""
    name = os.fsdecode(entry.name)
    shown = ascii(name)[1:-1][:300]
    if entry.kind != read.FILE or entry.extents is not None:
        raise UnsafeEntry(f"the entry {shown} is no plain file", remedy="Use another archive", entry=shown)
    if name not in _TOP and not _FILE.fullmatch(name):
        raise UnsafeEntry(
            f"the entry {shown} has no place in a checkpoint", remedy="Use another archive", entry=shown
        )
    if name in names:
        raise ArchiveBroken(f"the entry {shown} is there twice", entry=shown)
    if len(names) >= _MOST_FILES:
        raise ArchiveBroken(f"the archive has more than {_MOST_FILES} files")
    return name


def _write(source: Chunks, entry: Entry, path: str) -> None:
    fd = os.open(path, _NEW, 0o600)
    try:
        free = os.fstatvfs(fd)
        if entry.stored > free.f_bavail * free.f_frsize:
            raise StoreFull(
                f"the archive's {os.path.basename(path)} needs {entry.stored} bytes, more than are free",
                remedy="Make room and run it again",
            )
        for piece in source.pieces(entry.stored):
            write_all(fd, piece)
    finally:
        os.close(fd)
