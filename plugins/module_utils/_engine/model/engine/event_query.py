# SPDX-License-Identifier: GPL-3.0-or-later
"""Say which events are asked for; the filters are those of podman-events(1)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Optional

from ...errors import InvalidOption
from ...frozen import dataclass
from ..values.names import is_whole_id
from .record import Event

#: A filter that names a thing: the kind of event that it implies.
_THINGS = ("container", "volume", "image", "network")
_KEYS = ("event", "type", *_THINGS)


@dataclass(frozen=True)
class EventQuery:
    """Which events: ``since`` and ``until`` in ns since the epoch, both inclusive; the newest ``limit`` of them.

    ``filters`` are pairs of key and value. Of those with the same key one has to fit, and so of each key.
    """

    since: int = 0
    until: Optional[int] = None
    filters: tuple[tuple[str, str], ...] = ()
    limit: Optional[int] = None

    def takes(self, event: Event) -> bool:
        """Return whether the event is one of those asked for, ``limit`` apart."""
        if event.at < self.since or (self.until is not None and event.at > self.until):
            return False
        return all(
            any(_fits(event, key, value) for key, value in self.filters if key == wanted)
            for wanted in dict.fromkeys(key for key, _value in self.filters)
        )


def parse_filters(option: str, texts: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Return the filters ``KEY=VALUE``; raises InvalidOption for a key that there is none of."""
    return tuple(_filter(option, text) for text in texts)


def limit(option: str, value: Optional[int]) -> Optional[int]:
    """Return how many events are asked for; raises InvalidOption for a number below 0."""
    if value is not None and value < 0:
        raise InvalidOption(option, value, "is below 0", remedy="Write how many of the newest are wanted")
    return value


def _filter(option: str, text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    key = "event" if key == "status" else key  # docker's word, which podman takes as well
    if not equals or not value or key not in _KEYS:
        raise InvalidOption(
            option, text, "is no filter", remedy=f"Write KEY=VALUE; a key is one of {', '.join(_KEYS)}"
        )
    return key, value


def _fits(event: Event, key: str, value: str) -> bool:
    if key == "event":
        return event.action == value
    if key == "type":
        return event.kind == value
    return event.kind == key and (event.name == value or _begins(event.id, value))


def _begins(identity: str, value: str) -> bool:
    """Return whether the value is the id, or its first 12 digits: a name that is not there is no beginning of an id."""
    digits = value.removeprefix("sha256:")
    return is_whole_id(digits) and identity.removeprefix("sha256:").startswith(digits)
