# SPDX-License-Identifier: GPL-3.0-or-later
"""Cut files of the controller into pieces, and put files together out of pieces (agent/connect/files.py); holes stay holes."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

#: Bytes of data in one piece: each costs the start of a program, and is in memory as a whole.
MOST = 8 * 1024 * 1024
#: Segments in one piece: a header has its bounds as well.
_MOST_SEGMENTS = 4096


class Piece(NamedTuple):
    """``[offset, length]`` of each segment, their bytes, and how long the file is as far as it has come."""

    segments: list[list[int]]
    data: bytes
    size: int


def pieces(file: BinaryIO, size: int) -> Iterator[Piece]:
    """Yield a file's pieces, at least one; the last tells the whole size."""
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
    """Yield offset and length of what is data (lseek(2))."""
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
    """Yield what a file holds and where (model/values/sparse.py)."""
    size = os.fstat(fd).st_size
    for offset, length in _segments(fd, size):
        yield offset, os.pread(fd, length, offset)
    yield size, b""


def _segments(fd: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield offset and length of what is data, none longer than a piece."""
    for offset, length in parts(fd, size):
        for start in range(offset, offset + length, MOST):
            yield start, min(offset + length - start, MOST)


def put_together(file: BinaryIO, segments: list[list[int]], data: bytes) -> None:
    """Write a piece to its place."""
    begin = 0
    for offset, length in segments:
        os.pwrite(file.fileno(), data[begin : begin + length], offset)
        begin += length
