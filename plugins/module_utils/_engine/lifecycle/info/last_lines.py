# SPDX-License-Identifier: GPL-3.0-or-later
"""The last lines of containers' logs for a result, bounded in number and in size. Reads only."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ...model.engine.record import ContainerRecord
from ...model.values.times import rfc3339
from ...runtime.logs import LogLine
from ...state import containers
from ..core.engine import Engine
from ..core.logpath import log_of

#: The most characters per container: a result is kept in memory, often twice.
_MOST_TEXT = 1 << 20


def with_logs(engine: Engine, shapes: Sequence[Mapping[str, Any]], lines: int) -> list[dict[str, Any]]:
    """Return the shapes of containers, each with ``logs``: its last lines; [] if it was removed meanwhile."""
    with engine.database.reading() as connection:
        records = [containers.get(connection, shape["Id"]) for shape in shapes]
    return [
        {**shape, "logs": last_lines(engine, record, lines) if record else []}
        for shape, record in zip(shapes, records)
    ]


def last_lines(engine: Engine, record: ContainerRecord, lines: int) -> list[dict[str, Any]]:
    """Return the last lines that fit in a result, oldest first: ``time``, ``stream`` and ``text`` of each."""
    kept: deque[dict[str, Any]] = deque()
    size = 0
    for line in joined(log_of(engine, record).read(tail=lines)):
        kept.append(line)
        size += len(line["text"])
        while size > _MOST_TEXT:
            size -= len(kept.popleft()["text"])
    return list(kept)


def joined(records: Iterable[LogLine]) -> Iterator[dict[str, Any]]:
    """Join partial records to lines; each has its last part's time, and ``truncated`` if its start is cut."""
    begun: dict[str, _Line] = {}
    for record in records:
        line = begun.setdefault(record.stream, _Line(record.stream))
        line.add(record)
        if not record.partial:
            yield begun.pop(record.stream).shape()
    for line in begun.values():  # lines without a line end come last
        yield line.shape()


class _Line:
    """A line that arrives in parts; only its end is kept if it is too long."""

    def __init__(self, stream: str) -> None:
        self._stream = stream
        self._parts: deque[str] = deque()
        self._size = self._time = 0
        self._truncated = False

    def add(self, record: LogLine) -> None:
        """Add a part, and drop parts from the beginning that exceed the limit."""
        self._time = record.time
        self._parts.append(record.text)
        self._size += len(record.text)
        while self._size - len(self._parts[0]) >= _MOST_TEXT:
            self._size -= len(self._parts.popleft())
            self._truncated = True

    def shape(self) -> dict[str, Any]:
        """Return the line in the shape of a result."""
        text = "".join(self._parts)
        shape = {"time": rfc3339(self._time), "stream": self._stream, "text": text[-_MOST_TEXT:]}
        return {**shape, "truncated": True} if self._truncated or len(text) > _MOST_TEXT else shape
