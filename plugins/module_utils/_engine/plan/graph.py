# SPDX-License-Identifier: GPL-3.0-or-later
"""Order items by their dependencies, and find cycles; pure.

``needs`` maps each item to its dependencies; items that are not keys have none. Seed: getAllDependencies; libpod, graph.go.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping

Needs = Mapping[str, Collection[str]]


def order(wanted: Iterable[str], needs: Needs) -> tuple[str, ...]:
    """Return the wanted items and all their dependencies, each after its dependencies, otherwise in the given order.

    The order of items in a cycle is arbitrary.
    """
    done: dict[str, None] = {}
    seen: set[str] = set()
    # Not recursive, because a chain may be longer than Python's stack.
    waiting = [(one, False) for one in [*wanted][::-1]]
    while waiting:
        one, below_are_done = waiting.pop()
        if below_are_done:
            done[one] = None
        elif one not in seen:
            seen.add(one)
            waiting.append((one, True))
            waiting += [(below, False) for below in sorted(needs.get(one, ()), reverse=True)]
    return tuple(done)


def cycle(start: str, needs: Needs) -> tuple[str, ...]:
    """Return the shortest cycle through ``start``, which is its first and last item; () if there is none."""
    before: dict[str, str] = {}
    waiting = deque([start])
    while waiting:
        one = waiting.popleft()
        for below in sorted(needs.get(one, ())):
            if below == start:
                return (*_way(before, start, one), start)
            if below not in before:
                before[below] = one
                waiting.append(below)
    return ()


def turned(needs: Needs) -> dict[str, set[str]]:
    """Return the inverse mapping, from each item to those that need it."""
    found: dict[str, set[str]] = {}
    for one, below in needs.items():
        for each in below:
            found.setdefault(each, set()).add(one)
    return found


def _way(before: Mapping[str, str], start: str, end: str) -> list[str]:
    way = [end]
    while way[-1] != start:
        way.append(before[way[-1]])
    return way[::-1]
