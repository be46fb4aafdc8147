# SPDX-License-Identifier: GPL-3.0-or-later
"""A query for events; the filters are those of podman-events(1)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Optional

from ...errors import InvalidOption
from ...frozen import dataclass
from ..values.names import is_whole_id
from .record import Event

#: Filters that name an object, and imply its kind of event.
_THINGS = ("container", "volume", "image", "network")
_KEYS = ("event", "type", *_THINGS)


@dataclass(frozen=True)
class EventQuery:
    """A query: ``since`` and ``until`` in ns since the epoch, both inclusive; at most the newest ``limit`` events.

    ``filters`` are pairs of key and value. An event must match at least one filter of each key.
    """

    since: int = 0
    until: Optional[int] = None
    filters: tuple[tuple[str, str], ...] = ()
    limit: Optional[int] = None

    def takes(self, event: Event) -> bool:
        """Return whether the event matches, regardless of ``limit``."""
        if event.at < self.since or (self.until is not None and event.at > self.until):
            return False
        return all(
            any(_fits(event, key, value) for key, value in self.filters if key == wanted)
            for wanted in dict.fromkeys(key for key, _value in self.filters)
        )


def parse_filters(option: str, texts: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Parse filters ``KEY=VALUE``. Raises InvalidOption, also for an unknown key."""
    return tuple(_filter(option, text) for text in texts)


def limit(option: str, value: Optional[int]) -> Optional[int]:
    """Return the maximum number of events. Raises InvalidOption for a negative number."""
    if value is not None and value < 0:
        raise InvalidOption(
            option, value, "is negative", remedy="Write how many of the newest events to return"
        )
    return value


def _filter(option: str, text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    key = "event" if key == "status" else key  # Docker's word, which podman accepts too
    if not equals or not value or key not in _KEYS:
        raise InvalidOption(
            option, text, "is not a filter", remedy=f"Write KEY=VALUE with one of the keys {', '.join(_KEYS)}"
        )
    return key, value


def _fits(event: Event, key: str, value: str) -> bool:
    if key == "event":
        return event.action == value
    if key == "type":
        return event.kind == value
    return event.kind == key and (event.name == value or _begins(event.id, value))


def _begins(identity: str, value: str) -> bool:
    """Return whether the value is the full ID or its first 12 digits; anything shorter may be a name."""
    digits = value.removeprefix("sha256:")
    return is_whole_id(digits) and identity.removeprefix("sha256:").startswith(digits)
