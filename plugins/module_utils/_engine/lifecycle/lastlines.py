# SPDX-License-Identifier: GPL-3.0-or-later
"""Give the last lines that containers wrote, in a result: bounded in number and in size. Reads only."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..model.record import ContainerRecord
from ..model.times import rfc3339
from ..runtime.logs import LogLine
from ..state import containers
from .engine import Engine
from .logplace import log_of

#: Characters of a container's lines: a result is kept in memory, often twice.
_MOST_TEXT = 1 << 20


def with_logs(engine: Engine, shapes: Sequence[Mapping[str, Any]], lines: int) -> list[dict[str, Any]]:
    """Return the shapes of containers, each with ``logs``: its last lines, none for one that was removed meanwhile."""
    with engine.database.reading() as connection:
        records = [containers.get(connection, shape["Id"]) for shape in shapes]
    return [
        {**shape, "logs": last_lines(engine, record, lines) if record else []}
        for shape, record in zip(shapes, records)
    ]


def last_lines(engine: Engine, record: ContainerRecord, lines: int) -> list[dict[str, str]]:
    """Return the last lines, oldest first, each with ``time``, ``stream`` and ``text``; of too much text the end."""
    kept: deque[dict[str, str]] = deque()
    size = 0
    for line in _joined(log_of(engine, record).read(tail=lines)):
        kept.append(line)
        size += len(line["text"])
        while size > _MOST_TEXT:
            size -= len(kept.popleft()["text"])
    return list(kept)


def _joined(records: Iterable[LogLine]) -> Iterator[dict[str, str]]:
    """Make lines of parts; each has the time of its last part."""
    begun: dict[str, dict[str, str]] = {}
    for record in records:
        text = begun.pop(record.stream, {"text": ""})["text"] + record.text
        line = {"time": rfc3339(record.time), "stream": record.stream, "text": text[-_MOST_TEXT:]}
        if record.partial:
            begun[record.stream] = line
        else:
            yield line
    yield from begun.values()  # what a program wrote without a line end stands last
