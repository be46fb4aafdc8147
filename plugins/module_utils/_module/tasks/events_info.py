# SPDX-License-Identifier: GPL-3.0-or-later
"""Convert the options of module ``events_info`` into a query for events."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ..._engine.model.engine.event_query import EventQuery, limit, parse_filters
from ..._engine.model.values.moments import moment
from ..options import names_asked


def to_query(params: Mapping[str, Any]) -> EventQuery:
    """Return the task's query. Raises InvalidOption, naming the option."""
    now = time.time_ns()
    since, until = (
        None if params[name] is None else moment(name, params[name], now=now) for name in ("since", "until")
    )
    names = names_asked(params)
    filters = parse_filters("filters", params["filters"])
    return EventQuery(
        since=since or 0,
        until=until,
        filters=filters + tuple(("container", name) for name in names or ()),
        limit=0 if names is not None and not names else limit("limit", params["limit"]),
    )
