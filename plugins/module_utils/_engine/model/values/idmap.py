# SPDX-License-Identifier: GPL-3.0-or-later
"""Map the IDs of a container to those of the host, as the kernel does (user_namespaces(7))."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from ...errors import InvalidOption
from .text import plain_text

#: The kernel's limit of lines in a uid_map (user_namespaces(7)).
_LINES = 340
#: 2^32-1 means "no change" for chown(2) and others.
_END = 2**32 - 1
#: The ID shown for unmapped IDs (/proc/sys/kernel/overflowuid).
OVERFLOW = 65534


class Range(NamedTuple):
    """A range that maps ``size`` IDs, starting at ``container``, to those starting at ``host``."""

    container: int
    host: int
    size: int

    def text(self) -> str:
        """Return the range in podman's notation."""
        return f"{self.container}:{self.host}:{self.size}"


class IdMap(NamedTuple):
    """The mapping of a user namespace; each tuple is sorted by the container's IDs."""

    uids: tuple[Range, ...]
    gids: tuple[Range, ...]

    @property
    def root(self) -> tuple[int, int]:
        """Return the host's IDs of the container's root, overflow IDs if root is not mapped."""
        return self.host(0, 0)

    def host(self, uid: int, gid: int) -> tuple[int, int]:
        """Return the host's IDs, overflow IDs if they are not mapped."""
        return _host(self.uids, uid), _host(self.gids, gid)

    def inverse(self) -> IdMap:
        """Return the inverse mapping, from the host's IDs to the container's."""
        return IdMap(*(tuple(sorted(Range(b, a, size) for a, b, size in ranges)) for ranges in self))

    def then(self, other: IdMap) -> IdMap:
        """Return the composition of this mapping and the other: from this container's IDs to the other's host IDs."""
        return IdMap(_composed(self.uids, other.uids), _composed(self.gids, other.gids))

    def has_gid(self, gid: int) -> bool:
        """Return whether the group is mapped."""
        return any(item.container <= gid < item.container + item.size for item in self.gids)

    def encode(self) -> dict[str, Any]:
        """Return the stored form."""
        return {"uids": [list(item) for item in self.uids], "gids": [list(item) for item in self.gids]}

    @classmethod
    def decode(cls, data: dict[str, Any]) -> IdMap:
        """Decode the stored form."""
        return cls(tuple(Range(*item) for item in data["uids"]), tuple(Range(*item) for item in data["gids"]))


def _host(ranges: tuple[Range, ...], number: int) -> int:
    for item in ranges:
        if item.container <= number < item.container + item.size:
            return item.host + number - item.container
    return OVERFLOW


def _composed(first: tuple[Range, ...], second: tuple[Range, ...]) -> tuple[Range, ...]:
    made = []
    for one in first:
        for two in second:
            begin = max(one.host, two.container)
            size = min(one.host + one.size, two.container + two.size) - begin
            if size > 0:
                made.append(Range(one.container + begin - one.host, two.host + begin - two.container, size))
    return tuple(sorted(made))


def parse_ranges(option: str, values: Iterable[object]) -> tuple[Range, ...]:
    """Parse ranges ``CONTAINER:HOST[:SIZE]``. Raises InvalidOption, also if they overlap."""
    ranges = tuple(sorted({parse_range(option, value) for value in values}))
    if len(ranges) > _LINES:
        raise InvalidOption(option, f"{len(ranges)} ranges", "are too many", remedy=f"Write at most {_LINES}")
    for place in (0, 1):
        ordered = sorted(ranges, key=lambda item: item[place])
        for first, second in zip(ordered, ordered[1:]):
            if first[place] + first.size > second[place]:
                raise InvalidOption(
                    option, second.text(), f"overlaps {first.text()}", remedy="Map each ID once"
                )
    return ranges


def parse_range(option: str, value: object) -> Range:
    """Parse a range, as in ``0:100000:65536``; the default size is 1. Raises InvalidOption."""
    parts = plain_text(option, value).split(":")
    numbers = [int(part) for part in parts if part.isascii() and part.isdigit() and len(part) < 11]
    if len(numbers) != len(parts) or len(parts) not in (2, 3):
        raise InvalidOption(
            option, value, "is not a range of IDs", remedy="Write CONTAINER:HOST:SIZE, as in 0:100000:65536"
        )
    found = Range(numbers[0], numbers[1], numbers[2] if len(parts) == 3 else 1)
    if not found.size or max(found.container, found.host) + found.size > _END:
        raise InvalidOption(
            option, value, "has invalid IDs", remedy=f"Write one or more IDs from 0 to {_END - 1}"
        )
    return found
