# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the log that conmon keeps of a container's output, in the format k8s-file.

A record is ``TIME STREAM TAG TEXT``: TIME as in ``2026-11-23T22:05:51.235110712+00:00``, STREAM stdout or
stderr, TAG F for a full line and P for a part that goes on in the next record of the stream. Source: conmon's
ctr_logging.c; CRI.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

_BLOCK = 64 * 1024
#: What ``streams`` keeps at most: as much as fits well into a task's result.
_MOST = 4 * 1024 * 1024
_POLL = 0.1
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)")


@dataclass(frozen=True)
class LogLine:
    """A record: ``time`` in ns since the epoch, ``stream`` stdout or stderr, ``partial`` without line end."""

    time: int
    stream: str
    text: str
    partial: bool


def read(path: str, *, tail: int | None = None, since: int | None = None) -> Iterator[LogLine]:
    """Yield the records: the last ``tail`` lines, and of these the ones not older than ``since`` (ns).

    A log that does not exist is empty. A last record that is still being written is left out.
    """
    file = _opened(path)
    if file is None:
        return
    with file:
        file.seek(0 if tail is None else _tail_offset(file, tail))
        for raw in _whole(file):
            line = _parse(raw)
            if line is not None and (since is None or line.time >= since):
                yield line


def streams(path: str, *, since: int = 0, most: int = _MOST) -> tuple[str, str]:
    """Return what was written to stdout and to stderr since then (ns); of a log above ``most`` bytes its end."""
    texts: dict[str, list[str]] = {"stdout": [], "stderr": []}
    file = _opened(path)
    if file is None:
        return "", ""
    with file:
        # The record that this cuts has no time at its start, so it is none.
        file.seek(max(0, os.fstat(file.fileno()).st_size - most))
        for line in filter(None, map(_parse, _whole(file))):
            if line.time >= since:
                texts[line.stream] += (line.text,) if line.partial else (line.text, "\n")
    return "".join(texts["stdout"]), "".join(texts["stderr"])


def follow(path: str, ended: Callable[[], bool], *, tail: int | None = None) -> Iterator[LogLine]:
    """Yield records as they come, until ``ended()`` is true and all is read."""
    inode, offset = -1, 0
    while True:
        # Asked before reading: what was written until then is read in this round.
        last = ended()
        file = _opened(path)
        if file is not None:
            with file:
                inode, offset = _resume(file, inode, offset, tail=tail)
                for raw in _whole(file):
                    offset += len(raw)
                    line = _parse(raw)
                    if line is not None:
                        yield line
        if last:
            return
        time.sleep(_POLL)


def _resume(file: BinaryIO, inode: int, offset: int, *, tail: int | None) -> tuple[int, int]:
    """Seek to where reading goes on; returns inode and offset.

    conmon replaces a log that grew over its limit, so another inode at the path is a new log, read from its
    start.
    """
    found = os.fstat(file.fileno()).st_ino
    if inode < 0 and tail is not None:
        offset = _tail_offset(file, tail)
    elif found != inode:
        offset = 0
    file.seek(offset)
    return found, offset


def _opened(path: str) -> BinaryIO | None:
    try:
        return open(path, "rb")
    except FileNotFoundError:
        return None


def _whole(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines from here on; not the last one if conmon (or a full disk) has not ended it."""
    for raw in file:
        if raw.endswith(b"\n"):
            yield raw


def _parse(raw: bytes) -> LogLine | None:
    """Return the record, None for a line that is none."""
    parts = raw[:-1].split(b" ", 3)
    if len(parts) < 4 or parts[1] not in (b"stdout", b"stderr") or parts[2] not in (b"F", b"P"):
        return None
    at = _nanoseconds(parts[0].decode("ascii", "replace"))
    if at is None:
        return None
    return LogLine(at, parts[1].decode(), parts[3].decode(errors="replace"), parts[2] == b"P")


def _nanoseconds(text: str) -> int | None:
    """Return ns since the epoch; datetime holds microseconds only, so the fraction is read by hand."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    try:
        seconds = datetime.fromisoformat(match[1] + match[3].replace("Z", "+00:00")).timestamp()
    except ValueError:
        return None
    return int(seconds) * 10**9 + int((match[2] or "").ljust(9, "0")[:9])


def _tail_offset(file: BinaryIO, lines: int) -> int:
    """Return where the last ``lines`` lines begin.

    Reads from the end, in a window that doubles until it holds them. A line that was logged in parts counts
    once.
    """
    size = os.fstat(file.fileno()).st_size
    window = _BLOCK
    while lines > 0:
        start = max(0, size - window)
        file.seek(start)
        starts = _line_starts(file.read(size - start), start)
        if len(starts) >= lines or start == 0:
            return starts[-lines] if len(starts) >= lines else 0
        window *= 2
    return size


def _line_starts(data: bytes, offset: int) -> list[int]:
    """Return where lines begin in ``data``, which lies at ``offset``: after each record that ends a line."""
    records = data[: data.rfind(b"\n") + 1].splitlines(keepends=True)
    starts = [0] if offset == 0 and records else []
    place = 0
    for index, record in enumerate(records):
        place += len(record)
        # The first record of a window may be cut, so whether it ends a line can't be told.
        if (index > 0 or offset == 0) and index < len(records) - 1 and record.split(b" ", 3)[2:3] == [b"F"]:
            starts.append(offset + place)
    return starts
