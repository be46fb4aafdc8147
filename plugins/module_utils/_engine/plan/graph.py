# SPDX-License-Identifier: GPL-3.0-or-later
"""Order what needs one another, and find cycles; pure.

``needs`` maps each to what it needs; what is not a key needs nothing. Seed: getAllDependencies; libpod, graph.go.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping

Needs = Mapping[str, Collection[str]]


def order(wanted: Iterable[str], needs: Needs) -> tuple[str, ...]:
    """Return the wanted and all that they need, each after what it needs; where that leaves a choice, in the order given.

    A cycle has no such order: its parts come in some order.
    """
    done: dict[str, None] = {}
    seen: set[str] = set()
    # Without recursion: a chain may be longer than Python's stack.
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
    """Return the shortest way from ``start`` back to it, both ends named; empty when there is none."""
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
    """Return who needs each."""
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
