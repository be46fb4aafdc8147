# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a tar stream, entry by entry, in one pass.

The standard library's tarfile is several times slower per header, decodes names to text, and returns neither extended attributes
nor raw bytes, so this module parses the format itself. Ambiguous cases follow Go's archive/tar, because that is what
image tools use: pax overrides ustar, only regular files have data, global pax headers are ignored.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple, Protocol

from ...errors import ArchiveBroken
from . import header as tarheader
from . import sparse
from .header import BLOCK, Header

#: Go's limit for the data of a pax header or a long name.
_LONGEST_SPECIAL = 1 << 20
XATTR = b"SCHILY.xattr."
#: A record without a value deletes its name, so an attribute without a value is written as a record of libarchive's, whose
#: values are base64: this one decodes to nothing.
EMPTY_XATTR, EMPTY = b"LIBARCHIVE.xattr.", b"="

FILE, HARD_LINK, SYMLINK = "file", "link", "symlink"
CHAR, BLOCK_DEVICE, DIRECTORY, FIFO = "char", "block", "directory", "fifo"
_KINDS = {
    b"\0": FILE,
    b"0": FILE,
    b"7": FILE,  # "contiguous", which Linux does not distinguish
    b"S": FILE,
    b"1": HARD_LINK,
    b"2": SYMLINK,
    b"3": CHAR,
    b"4": BLOCK_DEVICE,
    b"5": DIRECTORY,
    b"6": FIFO,
}


class Entry(NamedTuple):
    """One entry of a tar stream; names are raw bytes, unaltered; times are nanoseconds since the epoch.

    ``size`` is the size of the file, ``stored`` the number of its bytes in the stream; they differ for a
    sparse file, whose ``extents`` are the places of the stored bytes (None: one piece at 0).
    """

    name: bytes
    kind: str
    mode: int
    uid: int
    gid: int
    mtime: int
    size: int
    stored: int
    link: bytes
    device: tuple[int, int]
    xattrs: tuple[tuple[bytes, bytes], ...]
    extents: sparse.Extents | None


class Source(Protocol):
    """Bytes in order: from a stream that is read once, or from a file."""

    def read(self, size: int) -> bytes:
        """Return exactly this number of bytes; fewer only at the end."""

    def skip(self, size: int) -> None:
        """Skip this number of bytes; raises ArchiveBroken if there are fewer."""


class Chunks:
    """A source on top of an iterator of bytes."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = iter(chunks)
        self._chunk = b""
        self._at = 0

    def read(self, size: int) -> bytes:
        """Return the next bytes, fewer than requested only at the end."""
        end = self._at + size
        if end <= len(self._chunk):  # the usual case
            piece = self._chunk[self._at : end]
            self._at = end
            return piece
        return b"".join(self._pieces(size))

    def pieces(self, size: int) -> Iterator[memoryview]:
        """Yield exactly this number of bytes, without a copy; raises ArchiveBroken if there are fewer."""
        for piece in self._pieces(size):
            size -= len(piece)
            yield piece
        if size:
            raise cut_short()

    def _pieces(self, size: int) -> Iterator[memoryview]:
        while size:
            if self._at == len(self._chunk):
                self._chunk, self._at = next(self._chunks, b""), 0
                if not self._chunk:
                    return
            piece = memoryview(self._chunk)[self._at : self._at + size]
            self._at += len(piece)
            size -= len(piece)
            yield piece

    def skip(self, size: int) -> None:
        """Read and discard these bytes."""
        for _piece in self.pieces(size):
            pass

    def drain(self) -> None:
        """Read to the stream's end, so that its digest covers all of it."""
        for _chunk in self._chunks:
            pass


def entries(source: Source) -> Iterator[Entry]:
    """Yield a tar stream's entries; the caller must take exactly ``stored`` bytes of each from the source.

    Raises ArchiveBroken if it is not a tar, damaged, or truncated.
    """
    names: dict[bytes, bytes] = {}
    records: list[tuple[bytes, bytes]] = []
    while True:
        block = source.read(BLOCK)
        if len(block) < BLOCK and (block or names or records):
            raise cut_short()
        if not any(block) and not any(source.read(BLOCK)):
            return
        header = tarheader.parse(block)
        if header.kind in b"LK":
            names[header.kind] = tarheader.text(_special(source, header))
        elif header.kind in b"xX":
            records = tarheader.kept(tarheader.records(_special(source, header)))
        elif header.kind == b"g":
            _special(source, header)
        else:
            entry = _entry(header, block, names, records, source)
            yield entry
            source.skip(-entry.stored % BLOCK)
            names, records = {}, []


def cut_short() -> ArchiveBroken:
    """Return the error for a stream that ends too early."""
    return ArchiveBroken("the tar archive is truncated")


def _special(source: Source, header: Header) -> bytes:
    if header.size > _LONGEST_SPECIAL:
        raise ArchiveBroken(f"a tar header is {header.size} bytes long, more than {_LONGEST_SPECIAL}")
    data = _exactly(source, header.size)
    source.skip(-header.size % BLOCK)
    return data


def _exactly(source: Source, size: int) -> bytes:
    data = source.read(size)
    if len(data) < size:
        raise cut_short()
    return data


def _entry(
    header: Header,
    block: bytes,
    names: dict[bytes, bytes],
    records: Sequence[tuple[bytes, bytes]],
    source: Source,
) -> Entry:
    pax = dict(records)
    name = pax.get(b"path") or names.get(b"L") or header.name
    kind = _kind(header, name)
    stored = _stored(header, pax, kind)
    size, extents = stored, None
    if kind == FILE:
        name, size, stored, extents = _sparse(header, block, records, source, name=name, stored=stored)
    return Entry(
        name=name,
        kind=kind,
        mode=header.mode & 0o7777,
        uid=_owner(pax.get(b"uid"), header.uid),
        gid=_owner(pax.get(b"gid"), header.gid),
        mtime=_mtime(pax.get(b"mtime"), header.mtime),
        size=size,
        stored=stored,
        link=pax.get(b"linkpath") or names.get(b"K") or header.link,
        device=header.device,
        xattrs=tuple(_xattrs(records)),
        extents=extents,
    )


def _kind(header: Header, name: bytes) -> str:
    kind = _KINDS.get(header.kind)
    if kind is None:
        raise ArchiveBroken(f"the entry {name!r} has the unknown type {header.kind!r}", entry=repr(name))
    # Before ustar, directories had no type of their own.
    return DIRECTORY if kind == FILE and name.endswith(b"/") else kind


def _stored(header: Header, pax: dict[bytes, bytes], kind: str) -> int:
    if kind != FILE:
        return 0
    return tarheader.decimal(pax[b"size"]) if b"size" in pax else header.size


def _owner(record: bytes | None, field: int) -> int:
    value = field if record is None else tarheader.decimal(record)
    if value >= 2**32 - 1:  # -1 tells chown to change nothing
        raise ArchiveBroken(f"a tar header has the invalid user or group id {value}")
    return value


def _mtime(record: bytes | None, field: int) -> int:
    return field * 10**9 if record is None else tarheader.nanoseconds(record)


def _xattrs(records: Sequence[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, bytes]]:
    for key, value in records:
        if key.startswith(XATTR):
            yield key[len(XATTR) :], value
        elif value == EMPTY and key.startswith(EMPTY_XATTR):
            yield key[len(EMPTY_XATTR) :], b""


def _sparse(
    header: Header,
    block: bytes,
    records: Sequence[tuple[bytes, bytes]],
    source: Source,
    *,
    name: bytes,
    stored: int,
) -> tuple[bytes, int, int, sparse.Extents | None]:
    """Return name, size, stored bytes and map of a regular file, sparse or not."""
    if header.kind == b"S":
        extents, size = sparse.old_gnu(block, partial(_exactly, source))
        return _matching(name, size, stored, extents)
    if not any(key.startswith(b"GNU.sparse.") for key, _value in records):
        return name, stored, stored, None
    name = dict(records).get(b"GNU.sparse.name", name)
    found = sparse.from_records(records)
    if found is not None:
        return _matching(name, found[1], stored, found[0])
    real = sparse.real_size(records)
    if real is None:
        raise ArchiveBroken(f"the entry {name!r} is sparse in an unknown format", entry=repr(name))
    extents, taken = sparse.from_data(partial(_exactly, source), real)
    return _matching(name, real, stored - taken, extents)


def _matching(
    name: bytes, size: int, stored: int, extents: sparse.Extents
) -> tuple[bytes, int, int, sparse.Extents]:
    if sum(length for _offset, length in extents) != stored:
        raise ArchiveBroken(f"the map of the sparse file {name!r} does not fit its data", entry=repr(name))
    return name, size, stored, extents
