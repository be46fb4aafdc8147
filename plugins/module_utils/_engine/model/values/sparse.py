# SPDX-License-Identifier: GPL-3.0-or-later
"""The content of sparse files: split into pieces, compared, and in a tar between host and controller.

A file is a stream of pieces in order. The gaps between them are holes, and the end of the last piece, which may be empty, is the
end of the file. In the tar, a sparse file is a member with only the data; size and map are in private pax(1) keywords, because
Python's tarfile misreads GNU sparse members with more than 8 GiB of data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest

from ...errors import ArchiveBroken

#: An offset in the file, and the bytes there.
Piece = tuple[int, bytes]
#: Offset and length of each part that is not a hole, in order.
Extents = Sequence[tuple[int, int]]

#: The maximum number of parts, because they are held in memory.
MOST_EXTENTS = 1 << 20
SIZE, MAP = "SLIPWAY.sparse.size", "SLIPWAY.sparse.map"
_BLOCK = 64 * 1024
_PIECE = 256 * 1024
_LARGEST = (1 << 63) - 1


def cut(offset: int, data: bytes) -> Iterator[Piece]:
    """Split a piece at the boundaries of aligned blocks."""
    done = 0
    while done < len(data):
        length = _BLOCK - (offset + done) % _BLOCK
        yield offset + done, data[done : done + length]
        done += length


def same(one: Iterable[Piece], other: Iterable[Piece]) -> bool:
    """Return whether two files have the same content and size; a hole equals zeroes."""
    return all(new == old for new, old in zip_longest(_blocks(one), _blocks(other)))


def _blocks(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Split into aligned blocks, without trailing zeroes and without blocks of zeroes; the end of the file comes last."""
    end, at, block = 0, 0, bytearray()
    for offset, data in pieces:
        end = offset + len(data)
        for start, part in cut(offset, data):
            begin = start % _BLOCK
            if start - begin != at:
                yield from _filled(at, block)
                at, block = start - begin, bytearray()
            block += bytes(begin - len(block)) + part
    yield from _filled(at, block)
    yield end, b""


def _filled(at: int, block: bytearray) -> Iterator[Piece]:
    if data := bytes(block.rstrip(b"\0")):
        yield at, data


# -- in a tar ----------------------------------------------------------------------------------------


def to_pax(extents: Extents, size: int) -> dict[str, str]:
    """Return the keywords of a member with these parts of a file; {} for a file without holes."""
    if [*extents] == ([(0, size)] if size else []):
        return {}
    return {SIZE: str(size), MAP: ",".join(f"{offset},{length}" for offset, length in extents)}


def from_pax(keywords: Mapping[str, str], stored: int) -> tuple[Extents, int]:
    """Return the parts in a member of ``stored`` bytes, and the file's size. Raises ArchiveBroken."""
    if MAP not in keywords:
        return ((0, stored),) if stored else (), stored
    numbers = [_number(text) for text in keywords[MAP].split(",")] if keywords[MAP] else []
    size, extents = _number(keywords.get(SIZE, "")), [*zip(numbers[::2], numbers[1::2])]
    ends = [0, *(offset + length for offset, length in extents)]
    if len(numbers) % 2 or ends[-1] > size or any(part[0] < end for part, end in zip(extents, ends)):
        raise ArchiveBroken("the map of a sparse file is damaged: its parts overlap or exceed its size")
    if sum(length for _offset, length in extents) != stored:
        raise ArchiveBroken("the map of a sparse file is damaged: its parts do not add up to its data")
    return extents, size


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= _LARGEST):
        raise ArchiveBroken("the map of a sparse file is damaged: it has an invalid number")
    return int(text)


def packed(pieces: Iterable[Piece], extents: Extents) -> Iterator[bytes]:
    """Yield the bytes of the parts in order; parts that have become holes meanwhile are zeroes, new data is skipped."""
    waiting = iter(pieces)
    at: int
    offset, data = 0, b""
    for start, length in extents:
        at, end = start, start + length
        while at < end:
            while offset + len(data) <= at and (found := next(waiting, None)) is not None:
                offset, data = found
            if offset <= at < offset + len(data):
                part = data[at - offset : end - offset]
            else:
                next_data = offset if offset > at else end
                part = bytes(min(next_data - at, end - at, _PIECE))
            yield part
            at += len(part)


def unpacked(read: Callable[[int], bytes], extents: Extents, size: int) -> Iterator[Piece]:
    """Yield the pieces of a file whose parts ``read`` returns in order. Raises ArchiveBroken if the data ends too early."""
    for start, length in extents:
        at = start
        while at < start + length:
            data = read(min(start + length - at, _PIECE))
            if not data:
                raise ArchiveBroken("the archive is truncated")
            yield at, data
            at += len(data)
    yield size, b""
