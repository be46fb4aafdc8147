# SPDX-License-Identifier: GPL-3.0-or-later
"""A schedule of keys by due time on CLOCK_BOOTTIME; pure."""

from __future__ import annotations

import heapq


class Schedule:
    """Keys ordered by due time; each key appears once. Times are nanoseconds of CLOCK_BOOTTIME."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, str]] = []
        self._due: dict[str, int] = {}

    def set(self, key: str, due: int) -> None:
        """Schedule the key, replacing any earlier time."""
        self._due[key] = due
        heapq.heappush(self._heap, (due, key))

    def drop(self, key: str) -> None:
        """Remove the key; do nothing if it is unknown."""
        self._due.pop(key, None)

    def pop(self, now: int) -> list[str]:
        """Remove and return the keys that are due, earliest first."""
        found = []
        while self._heap and self._heap[0][0] <= now:
            due, key = heapq.heappop(self._heap)
            if self._due.get(key) == due:
                del self._due[key]
                found.append(key)
        return found

    def wait(self, now: int) -> int | None:
        """Return the nanoseconds until the next key is due, None if there is none."""
        while self._heap and self._due.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return max(0, self._heap[0][0] - now) if self._heap else None
