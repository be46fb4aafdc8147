# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway events``: past events as a table, or new events line by line as they happen."""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

from ...lifecycle.core.engine import Engine
from ...model.engine.record import Event
from ...model.values.times import rfc3339
from ..cli.output import as_json, write_json
from ..cli.table import render

#: The number of events shown if neither a time nor a number is given.
_USUAL = 100
_HEAD = ("TIME", "KIND", "ACTION", "NAME", "MORE")


def add(verbs: Any) -> None:
    """Add the verb; options are those of podman-events(1), except that following must be requested."""
    text = "show events"
    parser = verbs.add_parser("events", help=text, description=text)
    parser.add_argument(
        "--json", action="store_true", help="print JSON: a list, or with --follow one event per line"
    )
    parser.add_argument(
        "--limit", type=int, metavar="N", help=f"only the newest N ({_USUAL} without --since)"
    )
    parser.add_argument(
        "--since", metavar="TIME", help="only events since TIME, or since a duration ago (10m)"
    )
    parser.add_argument("--until", metavar="TIME", help="only events until TIME")
    parser.add_argument(
        "--filter",
        "-f",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="filter by container, volume, image (name or id), event or type; may be repeated",
    )
    parser.add_argument("--follow", action="store_true", help="print new events as they happen")
    parser.set_defaults(verb=_events)


def _events(engine: Engine, arguments: argparse.Namespace) -> None:
    from ...lifecycle.core import events
    from ...model.engine import event_query
    from ...model.values.moments import moment

    now = time.time_ns()
    since, until = (
        None if text is None else moment(option, text, now=now)
        for option, text in (("--since", arguments.since), ("--until", arguments.until))
    )
    limit = event_query.limit("--limit", arguments.limit)
    query = event_query.EventQuery(
        since=since or 0,
        until=until,
        filters=event_query.parse_filters("--filter", arguments.filter),
        limit=_USUAL if limit is None and since is None else limit,
    )
    if arguments.follow:
        for event in events.follow(engine, query):
            line = as_json(events.event_shape(event)) if arguments.json else "  ".join(_row(event)).rstrip()
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
        return
    if arguments.json:
        write_json(events.events(engine, query).result["events"])
        return
    sys.stdout.write(render(_HEAD, [_row(event) for event in events.found(engine, query)]))


def _row(event: Event) -> tuple[str, ...]:
    more = " ".join(f"{key}={value}" for key, value in sorted(event.attributes.items()))
    return rfc3339(event.at), event.kind, event.action, event.name or event.id[:12], more
