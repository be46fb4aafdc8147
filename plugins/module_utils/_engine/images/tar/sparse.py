# SPDX-License-Identifier: GPL-3.0-or-later
"""The maps of sparse files in tar, in all four of GNU tar's formats: the parts of a file that are not holes.

Source: GNU tar's manual, "Storing Sparse Files": the old GNU format (type S) and pax formats 0.0, 0.1 and
1.0. A map is a tuple of (offset, length) in ascending order; the gaps are holes. ``read`` returns exactly the requested
number of bytes, or raises ArchiveBroken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...errors import ArchiveBroken
from .header import BLOCK, decimal, number

Extents = tuple[tuple[int, int], ...]

#: The most parts; a builder's files have fewer.
MOST_EXTENTS = 1 << 20
_KEY = b"GNU.sparse."


def old_gnu(block: bytes, read: Callable[[int], bytes]) -> tuple[Extents, int]:
    """Read the map in a header of type S and in the blocks that follow it; return map and real size."""
    found = _pairs(block[386:482])
    more = block[482]
    size = number(block[483:495])
    while more and len(found) < MOST_EXTENTS:
        block = read(BLOCK)
        found += _pairs(block[:504])
        more = block[504]
    return checked(found, size), size


def _pairs(area: bytes) -> list[tuple[int, int]]:
    pairs = []
    for at in range(0, len(area), 24):
        if not area[at]:
            break
        pairs.append((number(area[at : at + 12]), number(area[at + 12 : at + 24])))
    return pairs


def from_records(records: Sequence[tuple[bytes, bytes]]) -> tuple[Extents, int] | None:
    """Return map and real size from records of pax format 0.0 or 0.1; None if there are none."""
    last = dict(records)
    size = last.get(_KEY + b"size")
    if size is None:
        return None
    if _KEY + b"map" in last:
        numbers = last[_KEY + b"map"].split(b",") if last[_KEY + b"map"] else []
    else:
        numbers = [value for key, value in records if key in (_KEY + b"offset", _KEY + b"numbytes")]
    return checked(_paired([decimal(text) for text in numbers]), decimal(size)), decimal(size)


def real_size(records: Sequence[tuple[bytes, bytes]]) -> int | None:
    """Return the real size if the records announce a map before the data (pax format 1.0), or None."""
    last = dict(records)
    if (last.get(_KEY + b"major"), last.get(_KEY + b"minor")) != (b"1", b"0"):
        return None
    return decimal(last.get(_KEY + b"realsize", b""))


def from_data(read: Callable[[int], bytes], size: int) -> tuple[Extents, int]:
    """Read the map before the data (pax format 1.0); return the map and its length in bytes."""
    text = _Lines(read)
    count = text.number()
    if count > MOST_EXTENTS:
        raise ArchiveBroken(f"a sparse file has {count} parts, more than {MOST_EXTENTS}")
    numbers = [text.number() for _ignored in range(2 * count)]
    return checked(_paired(numbers), size), text.taken


class _Lines:
    """Decimal numbers, one per line, in whole blocks."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self._text = b""
        self.taken = 0

    def number(self) -> int:
        while b"\n" not in self._text:
            if len(self._text) > BLOCK:
                raise ArchiveBroken("the map of a sparse file is damaged")
            self._text += self._read(BLOCK)
            self.taken += BLOCK
        line, _newline, self._text = self._text.partition(b"\n")
        return decimal(line)


def _paired(numbers: Sequence[int]) -> list[tuple[int, int]]:
    if len(numbers) % 2:
        raise ArchiveBroken("the map of a sparse file has an odd number of values")
    return list(zip(numbers[::2], numbers[1::2]))


def checked(found: Sequence[tuple[int, int]], size: int) -> Extents:
    """Return the parts as a map, checked to be in order and inside the file. Raises ArchiveBroken."""
    end = 0
    for offset, length in found:
        if offset < end or offset + length > size:
            raise ArchiveBroken("the map of a sparse file is damaged: its parts overlap or exceed its size")
        end = offset + length
    return tuple(found)
