# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway logs``: a container's output, from all files of its log or from the journal."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from ...lifecycle.core.engine import Engine
from ...model.values.times import rfc3339
from ...runtime.logs import LogLine
from ..cli.output import as_json


def add(verbs: Any) -> None:
    """Add the verb; options are those of podman-logs(1)."""
    text = "show a container's output"
    parser = verbs.add_parser("logs", help=text, description=text)
    parser.add_argument("--json", action="store_true", help="print JSON, one record per line")
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--tail", type=int, metavar="N", help="only the last N lines")
    parser.add_argument(
        "--since", metavar="TIME", help="only lines since TIME, or since a duration ago (10m)"
    )
    parser.add_argument("--until", metavar="TIME", help="only lines until TIME")
    parser.add_argument(
        "--follow", "-f", action="store_true", help="print new lines until the container exits"
    )
    parser.add_argument("--timestamps", "-t", action="store_true", help="print the time of each line")
    parser.set_defaults(verb=_logs)


def _logs(engine: Engine, arguments: argparse.Namespace) -> None:
    from ...lifecycle.core.logpath import log_of
    from ...lifecycle.core.lookup import find_typed
    from ...model.values.moments import moment

    now = time.time_ns()
    since, until = (
        None if text is None else moment(option, text, now=now)
        for option, text in (("--since", arguments.since), ("--until", arguments.until))
    )
    tail = None if arguments.tail is None or arguments.tail < 0 else arguments.tail
    record = find_typed(engine, arguments.name)
    log = log_of(engine, record)
    if arguments.follow:
        _print(arguments, log.follow(_end_of(engine, record.id), tail=tail, since=since))
    else:
        _print(arguments, log.read(tail=tail, since=since, until=until))


def _end_of(engine: Engine, container_id: str) -> Callable[[], bool]:
    """Return a predicate that is true once the container does not run."""
    from ...lifecycle.core.facts import observe
    from ...model.container import status
    from ...state import containers

    def ended() -> bool:
        with engine.database.reading() as connection:
            record = containers.get(connection, container_id)
        return record is None or observe(engine, record).status not in (*status.ALIVE, status.CREATED)

    return ended


def _print(arguments: argparse.Namespace, lines: Iterator[LogLine]) -> None:
    whole = {"stdout": True, "stderr": True}
    for line in lines:
        if arguments.json:
            text = as_json({"time": line.time, "stream": line.stream, "text": line.text})
            sys.stdout.write(text + "\n")
            continue
        out = sys.stderr if line.stream == "stderr" else sys.stdout
        time_of = f"{rfc3339(line.time)} " if arguments.timestamps and whole[line.stream] else ""
        out.write(time_of + line.text + ("" if line.partial else "\n"))
        out.flush()
        whole[line.stream] = not line.partial
