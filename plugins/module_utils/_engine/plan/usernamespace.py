# SPDX-License-Identifier: GPL-3.0-or-later
"""Choose the host's IDs for a container's user namespace; pure.

As in containers/storage's getAutoUserNS, the size is what the image's passwd and group files need, and the IDs are subordinate
IDs of user ``containers`` that no other container uses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..errors import HostLacks, Setting, Words
from ..model.container.userns import LARGEST_AUTO, UserNamespace
from ..model.values import accounts
from ..model.values.idmap import OVERFLOW, IdMap, Range

#: The user whose subordinate IDs ``auto`` uses, and the minimum number of IDs (containers-storage.conf(5)).
AUTO_USER = "containers"
_LEAST = 1024
_REMEDY = "Add a line such as {user}:2147483648:2147418112 to {file}"

Span = tuple[int, int]


def spans(text: str, user: str) -> tuple[Span, ...]:
    """Return (first ID, count) of a user's lines in subuid(5) or subgid(5), in order."""
    fields = (line.strip().split(":") for line in text.splitlines())
    return tuple(
        (int(item[1]), int(item[2]))
        for item in fields
        if len(item) == 3 and item[0] == user and item[1].isdigit() and item[2].isdigit() and int(item[2])
    )


def size_needed(passwd: str, group: str, user: str) -> int:
    """Return the number of IDs, starting at 0, that an image's accounts and the container's user need."""
    greatest = max(
        (number for number in (*_numbers(passwd, 2, 3), *_numbers(group, 2)) if number != OVERFLOW), default=0
    )
    asked = (found for found in map(accounts.number, user.split(":")) if found is not None)
    return max(_LEAST, greatest + 1, *(number + 1 for number in asked))


def _numbers(text: str, *places: int) -> Iterator[int]:
    for line in text.splitlines():
        fields = line.split(":")
        for place in places:
            found = accounts.number(fields[place]) if len(fields) > place else None
            if found is not None:
                yield found


def automatic(
    wanted: UserNamespace,
    *,
    needed: int,
    free: tuple[tuple[Span, ...], tuple[Span, ...]],
    used: Iterable[IdMap],
    before: IdMap | None = None,
) -> IdMap:
    """Return the mapping for ``auto``. ``free``: the spans of subuid and subgid; ``used``: the mappings of other containers.

    ``before`` is the mapping of the container that this one replaces. It is kept if it is large enough, because files in volumes
    have these IDs. Raises HostLacks.
    """
    size = wanted.size or needed
    if wanted.size is None and needed > LARGEST_AUTO:
        raise HostLacks(
            f"userns: the image's accounts need {needed} IDs, more than the default limit of {LARGEST_AUTO} for auto",
            remedy=Words("Write ", Setting("userns", f"auto:size={needed}")),
        )
    others = tuple(used)
    return IdMap(
        _automatic(wanted.uids, size, free[0], [item.uids for item in others], before.uids if before else ()),
        _automatic(wanted.gids, size, free[1], [item.gids for item in others], before.gids if before else ()),
    )


def _automatic(
    fixed: tuple[Range, ...],
    size: int,
    free: tuple[Span, ...],
    used: list[tuple[Range, ...]],
    before: tuple[Range, ...],
) -> tuple[Range, ...]:
    """Return the fixed ranges, completed up to ``size`` from a single free span. Raises HostLacks."""
    gaps = list(_gaps(fixed, size))
    need = sum(number for _first, number in gaps)
    if not need:
        return fixed
    taken = [(item.host, item.size) for ranges in (*used, fixed) for item in ranges]
    kept = [(item.host, item.size) for item in before]
    place = _place([span for span in kept if _inside(span, free)], taken, need)
    place = _place(list(free), taken, need) if place is None else place
    if place is None:
        raise HostLacks(
            f"userns: user {AUTO_USER} has no {need} consecutive free subordinate IDs",
            remedy=_REMEDY.format(user=AUTO_USER, file="/etc/subuid and /etc/subgid"),
            user=AUTO_USER,
        )
    made = []
    for first, number in gaps:
        made.append(Range(first, place, number))
        place += number
    return tuple(sorted((*fixed, *made)))


def _gaps(fixed: tuple[Range, ...], size: int) -> Iterator[Span]:
    """Yield (first ID, count) of the container's IDs below ``size`` that are not mapped."""
    at = 0
    for item in fixed:
        if item.container > at:
            yield at, min(item.container, size) - at
        at = max(at, item.container + item.size)
        if at >= size:
            return
    if at < size:
        yield at, size - at


def _place(free: list[Span], taken: list[Span], need: int) -> int | None:
    """Return the first of ``need`` consecutive IDs that are free and not taken, None if there are none."""
    for start, number in free:
        at = start
        for first, size in sorted(taken):
            if first + size > at and first < at + need:
                at = first + size
        if at + need <= start + number:
            return at
    return None


def _inside(span: Span, free: tuple[Span, ...]) -> bool:
    return any(start <= span[0] and span[0] + span[1] <= start + number for start, number in free)


def named(text: str, user: str, file: str) -> tuple[Range, ...]:
    """Return the mapping to all of a user's subordinate IDs, starting at 0 (``subuidname``). Raises HostLacks."""
    found = spans(text, user)
    if not found:
        raise missing(user, file)
    made, at = [], 0
    for first, number in found:
        made.append(Range(at, first, number))
        at += number
    return tuple(made)


def missing(user: str, file: str) -> HostLacks:
    """Return the error for a user without subordinate IDs."""
    return HostLacks(
        f"{file} has no IDs for user {user}",
        remedy=_REMEDY.format(user=user, file=file),
        user=user,
        file=file,
        missing="subordinate ids",
    )
