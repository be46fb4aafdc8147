# SPDX-License-Identifier: GPL-3.0-or-later
"""Split files into chunks and reassemble them (agent/connect/files.py), preserving holes."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

#: Maximum bytes of data in a chunk. Each costs the start of a program, and is held in memory.
MOST = 8 * 1024 * 1024
#: Maximum number of segments in a chunk, because the size of a header is limited too.
_MOST_SEGMENTS = 4096


class Piece(NamedTuple):
    """``[offset, length]`` of each segment, their bytes, and the length of the file up to here."""

    segments: list[list[int]]
    data: bytes
    size: int


def pieces(file: BinaryIO, size: int) -> Iterator[Piece]:
    """Yield a file's chunks, at least one; the last has the size of the file."""
    segments: list[list[int]] = []
    data = bytearray()
    for offset, length in _segments(file.fileno(), size):
        segments.append([offset, length])
        data += os.pread(file.fileno(), length, offset)
        if len(data) >= MOST or len(segments) >= _MOST_SEGMENTS:
            yield Piece(segments, bytes(data), offset + length)
            segments, data = [], bytearray()
    yield Piece(segments, bytes(data), size)


def parts(fd: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield offset and length of each range of data (lseek(2), SEEK_DATA)."""
    end = 0
    while end < size:
        try:
            offset = os.lseek(fd, end, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole
                return
            raise
        end = min(os.lseek(fd, offset, os.SEEK_HOLE), size)
        if offset < end:
            yield offset, end - offset


def content(fd: int) -> Iterator[tuple[int, bytes]]:
    """Yield the data of a file and its offsets (model/values/sparse.py)."""
    size = os.fstat(fd).st_size
    for offset, length in _segments(fd, size):
        yield offset, os.pread(fd, length, offset)
    yield size, b""


def _segments(fd: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield offset and length of each range of data, none longer than a chunk."""
    for offset, length in parts(fd, size):
        for start in range(offset, offset + length, MOST):
            yield start, min(offset + length - start, MOST)


def put_together(file: BinaryIO, segments: list[list[int]], data: bytes) -> None:
    """Write a chunk to a file at its offsets."""
    begin = 0
    for offset, length in segments:
        os.pwrite(file.fileno(), data[begin : begin + length], offset)
        begin += length
