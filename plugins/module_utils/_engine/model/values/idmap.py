# SPDX-License-Identifier: GPL-3.0-or-later
"""Map the ids of a container to those of the host, as the kernel does (user_namespaces(7))."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from ...errors import InvalidOption
from .text import plain_text

#: The kernel's limit of lines in a uid_map (user_namespaces(7)).
_LINES = 340
#: 2^32-1 means "no change" to chown(2) and its like.
_END = 2**32 - 1
#: What an id that is not mapped looks like (/proc/sys/kernel/overflowuid).
OVERFLOW = 65534


class Range(NamedTuple):
    """``size`` ids from ``container`` on are those from ``host`` on."""

    container: int
    host: int
    size: int

    def text(self) -> str:
        """Return it as podman writes it."""
        return f"{self.container}:{self.host}:{self.size}"


class IdMap(NamedTuple):
    """A user namespace's ids, each tuple sorted by the container's ids."""

    uids: tuple[Range, ...]
    gids: tuple[Range, ...]

    @property
    def root(self) -> tuple[int, int]:
        """Return the host's ids of the container's root, as near as there is one."""
        return self.host(0, 0)

    def host(self, uid: int, gid: int) -> tuple[int, int]:
        """Return the host's ids; those that are not mapped are nobody's."""
        return _host(self.uids, uid), _host(self.gids, gid)

    def inverse(self) -> IdMap:
        """Return the map that leads back, from the host's ids to the container's."""
        return IdMap(*(tuple(sorted(Range(b, a, size) for a, b, size in ranges)) for ranges in self))

    def then(self, other: IdMap) -> IdMap:
        """Return the map that leads from the first's container ids to the other's host ids."""
        return IdMap(_composed(self.uids, other.uids), _composed(self.gids, other.gids))

    def has_gid(self, gid: int) -> bool:
        """Return whether the container can have the group."""
        return any(item.container <= gid < item.container + item.size for item in self.gids)

    def encode(self) -> dict[str, Any]:
        """Return the form that the database stores."""
        return {"uids": [list(item) for item in self.uids], "gids": [list(item) for item in self.gids]}

    @classmethod
    def decode(cls, data: dict[str, Any]) -> IdMap:
        """Read the form that the database stores."""
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
    """Parse ``CONTAINER:HOST[:SIZE]`` texts; raises InvalidOption for ranges that overlap."""
    ranges = tuple(sorted({parse_range(option, value) for value in values}))
    if len(ranges) > _LINES:
        raise InvalidOption(option, f"{len(ranges)} ranges", "are too many", remedy=f"At most {_LINES} work")
    for place in (0, 1):
        ordered = sorted(ranges, key=lambda item: item[place])
        for first, second in zip(ordered, ordered[1:]):
            if first[place] + first.size > second[place]:
                raise InvalidOption(
                    option, second.text(), f"overlaps {first.text()}", remedy="Map each id once"
                )
    return ranges


def parse_range(option: str, value: object) -> Range:
    """Parse ``0:100000:65536``; without a size it is one id."""
    parts = plain_text(option, value).split(":")
    numbers = [int(part) for part in parts if part.isascii() and part.isdigit() and len(part) < 11]
    if len(numbers) != len(parts) or len(parts) not in (2, 3):
        raise InvalidOption(
            option, value, "is no range of ids", remedy="Write CONTAINER:HOST:SIZE, as in 0:100000:65536"
        )
    found = Range(numbers[0], numbers[1], numbers[2] if len(parts) == 3 else 1)
    if not found.size or max(found.container, found.host) + found.size > _END:
        raise InvalidOption(
            option, value, "holds ids that the kernel has not", remedy=f"They end at {_END - 1}"
        )
    return found
