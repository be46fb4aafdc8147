# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a container's log in the k8s-file format, which conmon writes.

A record is ``TIME STREAM TAG TEXT``: TIME such as ``2026-11-23T22:05:51.235110712+00:00``, STREAM stdout or
stderr, TAG F for a full line, or its end, and P for a part that continues in the stream's next record.
Source: conmon's ctr_logging.c; CRI.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain
from typing import BinaryIO, Protocol

from ..frozen import dataclass
from ..kernel.inotify import Watch
from . import logfiles

_BLOCK = 64 * 1024
#: More bytes than precede the text of a record.
_HEAD = 128
#: The most bytes that ``streams`` returns: as much as fits well into a task's result.
MOST = 4 * 1024 * 1024
#: Seconds between a follower's checks whether the container has exited, while nothing is written.
_LOOK = 1.0
_POLL = 0.1
#: The most parts kept of a line that began before the requested time: at conmon's 8 KiB each, more than most
#: lines have.
_MOST_PARTS = 256
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)")


@dataclass(frozen=True)
class LogLine:
    """A record: ``time`` in ns since the epoch, ``stream`` stdout or stderr, ``partial`` without line end."""

    time: int
    stream: str
    text: str
    partial: bool


class Log(Protocol):
    """A container's output, in any kind of log."""

    def read(
        self, *, tail: int | None = None, since: int | None = None, until: int | None = None
    ) -> Iterator[LogLine]:
        """Yield the records of the last ``tail`` lines, from ``since`` to ``until`` (ns)."""

    def streams(self, *, since: int = 0, most: int = MOST) -> tuple[str, str]:
        """Return the output to stdout and stderr since a time (ns), only its last ``most`` bytes."""

    def follow(
        self, ended: Callable[[], bool], *, tail: int | None = None, since: int | None = None
    ) -> Iterator[LogLine]:
        """Yield records as they are written, until ``ended()`` is true and all are read."""


@dataclass(frozen=True)
class FileLog:
    """A log in files; each method calls the function of the same name below."""

    path: str

    def read(
        self, *, tail: int | None = None, since: int | None = None, until: int | None = None
    ) -> Iterator[LogLine]:
        """Yield the lines, oldest first."""
        return read(self.path, tail=tail, since=since, until=until)

    def streams(self, *, since: int = 0, most: int = MOST) -> tuple[str, str]:
        """Return the output to stdout and stderr."""
        return streams(self.path, since=since, most=most)

    def follow(
        self, ended: Callable[[], bool], *, tail: int | None = None, since: int | None = None
    ) -> Iterator[LogLine]:
        """Yield the lines, and then new ones until the container has exited."""
        with Watch() as watch:
            if os.path.isdir(os.path.dirname(self.path)):
                watch.add(os.path.dirname(self.path))
            yield from follow(self.path, ended, tail=tail, since=since, pause=lambda: watch.wait(_LOOK))


def read(
    path: str, *, tail: int | None = None, since: int | None = None, until: int | None = None
) -> Iterator[LogLine]:
    """Yield the records of the last ``tail`` lines, from ``since`` to ``until`` (ns), of all the log's files.

    A line logged in parts has the time of its last part, and is yielded completely. A log that does not exist
    is empty. A final record that is still being written is omitted.
    """
    with logfiles.opened(path) as files:
        yield from within(_records(files, tail), since, until)


def streams(path: str, *, since: int = 0, most: int = MOST) -> tuple[str, str]:
    """Return the output to stdout and stderr since a time (ns), from the last ``most`` bytes of the log."""
    with logfiles.opened(path) as files:
        for file in reversed(files):
            size = os.fstat(file.fileno()).st_size
            # A record truncated by this has no time at its start, so it is skipped.
            file.seek(max(0, size - most))
            most = max(0, most - size)
        return in_streams(_parsed(files), since)


def in_streams(lines: Iterable[LogLine], since: int) -> tuple[str, str]:
    """Return the text of stdout and stderr since a time (ns); parts from before belong to an earlier run."""
    texts: dict[str, list[str]] = {"stdout": [], "stderr": []}
    for line in lines:
        if line.time >= since:
            texts[line.stream] += (line.text,) if line.partial else (line.text, "\n")
    return "".join(texts["stdout"]), "".join(texts["stderr"])


def follow(
    path: str,
    ended: Callable[[], bool],
    *,
    tail: int | None = None,
    since: int | None = None,
    pause: Callable[[], object] | None = None,
) -> Iterator[LogLine]:
    """Yield records as they are written, until ``ended()`` is true; ``pause`` waits between polls."""
    reader = _Reader(path, tail)
    try:
        yield from within(reader.until_the_end(ended, pause or (lambda: time.sleep(_POLL))), since, None)
    finally:
        reader.close()


class _Reader:
    """A reader across rotations: a file that conmon has left is read to its end before the next."""

    def __init__(self, path: str, tail: int | None) -> None:
        self.path, self.tail = path, tail
        self.file: BinaryIO | None = None

    def until_the_end(self, ended: Callable[[], bool], pause: Callable[[], object]) -> Iterator[LogLine]:
        while True:
            # Checked before reading: what was written by then is read in this round.
            last = ended()
            yield from self.begin() if self.file is None else ()
            yield from self.go_on()
            if last:
                return
            pause()

    def begin(self) -> Iterator[LogLine]:
        with logfiles.opened(self.path) as files:
            if not files:
                return
            yield from _records(files[:-1] if self.tail is None else files, self.tail)
            place = 0 if self.tail is None else files[-1].tell()
            # The duplicated descriptor shares its offset with the original, so the position is set
            # explicitly.
            self.file = os.fdopen(os.dup(files[-1].fileno()), "rb")
            self.file.seek(place)

    def go_on(self) -> Iterator[LogLine]:
        while self.file is not None:
            following = logfiles.next_after(self.path, self.file)
            yield from _parsed([self.file])
            if following is None:
                return
            self.file.close()
            self.file = following
            following.seek(0)

    def close(self) -> None:
        if self.file is not None:
            self.file.close()


def within(lines: Iterable[LogLine], since: int | None, until: int | None) -> Iterator[LogLine]:
    """Yield the records of the lines that ended within the time range."""
    early: dict[str, list[LogLine]] = {"stdout": [], "stderr": []}
    for line in lines:
        if until is not None and line.time > until:
            continue
        held = early[line.stream]
        if since is not None and line.time < since:
            if line.partial:
                held.append(line)
                del held[:-_MOST_PARTS]
            else:
                held.clear()
            continue
        yield from held
        held.clear()
        yield line


def _records(files: Sequence[BinaryIO], tail: int | None) -> Iterator[LogLine]:
    """Yield the records of the files' last ``tail`` lines."""
    if tail is not None:
        for index in range(len(files) - 1, -1, -1):
            before = files[index - 1] if index else None
            offset, found = _tail_offset(files[index], tail)
            # A line that begins in the previous file is counted there.
            found -= int(offset == 0 and found > 0 and before is not None and _ends_in_part(before))
            files[index].seek(offset)
            tail = max(0, tail - found)
    yield from _parsed(files)


def _parsed(files: Iterable[BinaryIO]) -> Iterator[LogLine]:
    for file in files:
        yield from filter(None, map(_parse, _complete_lines(file)))


def _complete_lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines from the current position on, except for an incomplete last one."""
    place = file.tell()
    for raw in iter(file.readline, b""):
        if not raw.endswith(b"\n"):
            break
        place += len(raw)
        yield raw
    file.seek(place)  # an incomplete line is read once it is complete


def _parse(raw: bytes) -> LogLine | None:
    """Return the record, or None for an invalid line."""
    # conmon 2.2 ends a line of parts with a record without text, and without the space before it.
    parts = [*raw.removesuffix(b"\n").split(b" ", 3), b""]
    if len(parts) < 4 or parts[1] not in (b"stdout", b"stderr") or parts[2] not in (b"F", b"P"):
        return None
    at = _nanoseconds(parts[0].decode("ascii", "replace"))
    if at is None:
        return None
    return LogLine(at, parts[1].decode(), parts[3].decode(errors="replace"), parts[2] == b"P")


def _tag(record: bytes) -> bytes:
    """Return a record's tag: F if it ends its line, else P."""
    return b"".join(record.removesuffix(b"\n").split(b" ", 3)[2:3])


def _nanoseconds(text: str) -> int | None:
    """Return ns since the epoch; datetime has only microseconds, so the fraction is parsed here."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    try:
        seconds = datetime.fromisoformat(match[1] + match[3].replace("Z", "+00:00")).timestamp()
    except ValueError:
        return None
    return int(seconds) * 10**9 + int((match[2] or "").ljust(9, "0")[:9])


def _tail_offset(file: BinaryIO, lines: int) -> tuple[int, int]:
    """Return the offset of the last ``lines`` lines, and their number, which may be smaller.

    Searches backwards from the end, a block at a time, however long the lines are. A line logged in parts
    counts once.
    """
    fd, found, end = file.fileno(), 0, -1
    size = os.fstat(fd).st_size
    if lines <= 0:
        return size, 0
    is_last = True
    for newline in chain(_newlines(fd, size), (-1,)):
        if end >= 0 and not is_last and _tag(os.pread(fd, min(_HEAD, end - newline), newline + 1)) == b"F":
            found += 1
            if found == lines:
                return end + 1, lines
        is_last, end = end < 0, newline
    return 0, found + int(not is_last)


def _newlines(fd: int, size: int) -> Iterator[int]:
    """Yield the offsets of the newlines, last first."""
    end = size
    while end > 0:
        start = max(0, end - _BLOCK)
        block = os.pread(fd, end - start, start)
        at = len(block)
        while (at := block.rfind(b"\n", 0, at)) >= 0:
            yield start + at
        end = start


def _ends_in_part(file: BinaryIO) -> bool:
    """Return whether the last record is a part that does not end its line."""
    size = os.fstat(file.fileno()).st_size
    file.seek(max(0, size - _BLOCK))
    last = file.read(_BLOCK).rstrip(b"\n").rpartition(b"\n")[2]
    return _tag(last) == b"P"
