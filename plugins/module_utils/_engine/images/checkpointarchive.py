# SPDX-License-Identifier: GPL-3.0-or-later
"""The archive of a checkpoint: a tar of known files, written in a fixed order and read as untrusted.

The container's own files are not entries of this tar but a tar inside it, so every entry name is a plain file name. The
reader accepts only regular files of known names, each once: this engine writes nothing else.
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

#: The directory of CRIU's images.
IMAGES = "checkpoint"
#: The directory of volume contents, each as NAME.tar.
VOLUMES = "volumes"
_TOP = ("config.dump", "spec.dump", "rootfs-diff.tar", "devshm-checkpoint.tar")
_FILE = re.compile(rf"(?:{IMAGES}|{VOLUMES})/[a-zA-Z0-9][a-zA-Z0-9_.+-]{{0,254}}")
#: Far more than CRIU writes for thousands of processes.
_MOST_FILES = 100_000
#: The size limit of a document; real ones have a few kilobytes.
_LONGEST_DOCUMENT = 4 << 20
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Member(NamedTuple):
    """A file of the archive, with its content or the path of a file that contains it."""

    name: str
    content: bytes = b""
    path: str | None = None


def chunks(members: Sequence[Member]) -> Iterator[bytes]:
    """Stream the archive. Its first member must be the document that describes it."""
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
    """Return the first file, ``config.dump``; raises ArchiveBroken if it is missing."""
    source = Chunks(decoded(section(fd, 0)))
    for entry in read.entries(source):
        if entry.name == os.fsencode(_TOP[0]) and entry.kind == read.FILE and entry.extents is None:
            return _document(source, entry)
        break
    raise ArchiveBroken(f"the archive does not begin with {_TOP[0]}: it is not a checkpoint of this engine")


def _document(source: Chunks, entry: Entry) -> bytes:
    if entry.stored > _LONGEST_DOCUMENT:
        raise ArchiveBroken(f"{_TOP[0]} has {entry.stored} bytes, more than {_LONGEST_DOCUMENT}")
    content = source.read(entry.stored)
    if len(content) < entry.stored:
        raise ArchiveBroken(f"{_TOP[0]} is truncated")
    return content


def extract(fd: int, into: str) -> frozenset[str]:
    """Extract the archive's files into an empty directory; return their names.

    Raises ArchiveBroken, UnsafeEntry, HostLacks (zstd), and StoreFull before it writes more than fits.
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
    """Return the entry's name, checked to be that of a file of a checkpoint."""
    name = os.fsdecode(entry.name)
    shown = ascii(name)[1:-1][:300]
    if entry.kind != read.FILE or entry.extents is not None:
        raise UnsafeEntry(f"the entry {shown} is not a plain file", remedy="Use another archive", entry=shown)
    if name not in _TOP and not _FILE.fullmatch(name):
        raise UnsafeEntry(
            f"the entry {shown} does not belong in a checkpoint", remedy="Use another archive", entry=shown
        )
    if name in names:
        raise ArchiveBroken(f"the archive has two entries {shown}", entry=shown)
    if len(names) >= _MOST_FILES:
        raise ArchiveBroken(f"the archive has more than {_MOST_FILES} files")
    return name


def _write(source: Chunks, entry: Entry, path: str) -> None:
    fd = os.open(path, _NEW, 0o600)
    try:
        free = os.fstatvfs(fd)
        if entry.stored > free.f_bavail * free.f_frsize:
            raise StoreFull(
                f"the archive's {os.path.basename(path)} needs {entry.stored} bytes, more than the free space",
                remedy="Free some space and run the task again",
            )
        for piece in source.pieces(entry.stored):
            write_all(fd, piece)
    finally:
        os.close(fd)
