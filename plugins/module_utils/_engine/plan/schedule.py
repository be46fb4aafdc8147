# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep what is due when, on a clock that nobody sets; pure."""

from __future__ import annotations

import heapq


class Schedule:
    """Keys by the time at which they are due; each key once. Times are nanoseconds of CLOCK_BOOTTIME."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, str]] = []
        self._due: dict[str, int] = {}

    def set(self, key: str, due: int) -> None:
        """Have the key due then, whenever it was before."""
        self._due[key] = due
        heapq.heappush(self._heap, (due, key))

    def drop(self, key: str) -> None:
        """Forget the key; an unknown one is fine."""
        self._due.pop(key, None)

    def pop(self, now: int) -> list[str]:
        """Take out what is due by now, earliest first."""
        found = []
        while self._heap and self._heap[0][0] <= now:
            due, key = heapq.heappop(self._heap)
            if self._due.get(key) == due:
                del self._due[key]
                found.append(key)
        return found

    def wait(self, now: int) -> int | None:
        """Return the nanoseconds until something is due, None when nothing ever is."""
        while self._heap and self._due.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return max(0, self._heap[0][0] - now) if self._heap else None
