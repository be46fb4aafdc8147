# SPDX-License-Identifier: GPL-3.0-or-later
"""The file transfers of ``slipway connect``: one call per piece, so that neither side holds a large file.

A piece is a list of segments ``[offset, length]``, followed by their bytes. The gaps between segments are holes, so a
sparse file stays sparse in transit and at its destination.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from typing import Any

from ...lifecycle.connect.join import enter
from ...lifecycle.connect.open_file import CannotPass, open_to_read, open_to_write
from ...model.connect import frames
from ...model.engine.layout import Layout
from ...trees.content import data_ranges

_STEP = 256 * 1024


def put(layout: Layout, request: Mapping[str, Any]) -> int:
    """Write a piece. The first request has no ``file``; later ones repeat the ``file`` of the first response.

    So all pieces go to the same file. ``mode`` is for a new file; ``size`` is the file's size after this piece.
    """
    found = enter(layout, request["name"])
    fd = open_to_write(layout, found, request["path"], user=request.get("user"), mode=request["mode"])
    first = request.get("file") is None
    if not first:
        _check(fd, request)
    try:
        if first:
            os.ftruncate(fd, 0)
        for offset, length in request["segments"]:
            _receive(fd, offset, length)
        os.ftruncate(fd, request["size"])
    except OSError as error:
        raise CannotPass(f"{request['path']}: {error.strerror}", path=request["path"]) from error
    _write(1, frames.encode({"file": _identity(fd)}))
    return 0


def fetch(layout: Layout, request: Mapping[str, Any]) -> int:
    """Send a piece that starts at ``offset`` and has at most ``most`` bytes of data.

    Its header has ``segments``, ``next`` (the offset of the next piece, None after the last), ``file``, ``size`` and ``mode``.
    """
    found = enter(layout, request["name"])
    fd = open_to_read(layout, found, request["path"], user=request.get("user"))
    if request.get("file") is not None:
        _check(fd, request)
    info = os.fstat(fd)
    segments, following = _segments(fd, request["offset"], info.st_size, request["most"])
    header = {"file": _identity(fd), "segments": segments, "next": following}
    _write(1, frames.encode({**header, "size": info.st_size, "mode": info.st_mode & 0o777}))
    for offset, length in segments:
        _send(fd, offset, length, request["path"])
    return 0


def _segments(fd: int, offset: int, size: int, most: int) -> tuple[list[list[int]], int | None]:
    segments = []
    for start, end in data_ranges(fd, size, offset):
        length = min(min(end, size) - start, most)
        segments.append([start, length])
        most -= length
        if most == 0:
            following = start + length
            return segments, following if following < size else None
    return segments, None


def _identity(fd: int) -> list[int]:
    info = os.fstat(fd)
    return [info.st_dev, info.st_ino]


def _check(fd: int, request: Mapping[str, Any]) -> None:
    if _identity(fd) != request["file"]:
        raise CannotPass(f"{request['path']} was replaced during the transfer", path=request["path"])


def _receive(fd: int, offset: int, length: int) -> None:
    while length:
        piece = os.read(0, min(length, _STEP))
        if not piece:
            raise OSError(errno.EPIPE, "the sender closed the stream")
        length -= len(piece)
        while piece:
            written = os.pwrite(fd, piece, offset)
            piece, offset = piece[written:], offset + written


def _send(fd: int, offset: int, length: int, path: str) -> None:
    while length:
        piece = os.pread(fd, min(length, _STEP), offset)
        if not piece:
            raise CannotPass(f"{path} was truncated during the transfer", path=path)
        _write(1, piece)
        length, offset = length - len(piece), offset + len(piece)


def _write(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]
