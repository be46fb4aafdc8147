# SPDX-License-Identifier: GPL-3.0-or-later
"""How a container's health is: what its checks have said in this run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

STARTING, HEALTHY, UNHEALTHY = "starting", "healthy", "unhealthy"
#: libpod's: results kept, and characters of each (MaxHealthCheckNumberLogs, MaxHealthCheckLogLength).
KEPT, OUTPUT_LIMIT = 5, 500


class Result(NamedTuple):
    """What a check said: begin and end in nanoseconds since the epoch, exit code, the beginning of its output."""

    start: int
    end: int
    exit_code: int
    output: str


@dataclass(frozen=True)
class Health:
    """A container's health in one run; ``run`` is when that started, in nanoseconds since the epoch.

    ``startup_passed``: the start-up check is over; the two counts are its successes and failures so far.
    """

    run: int
    status: str = STARTING
    failing_streak: int = 0
    startup_passed: bool = False
    startup_successes: int = 0
    startup_failures: int = 0
    log: tuple[Result, ...] = ()

    def encode(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {**vars(self), "log": [list(result) for result in self.log]}

    @classmethod
    def decode(cls, data: Mapping[str, Any]) -> Health:
        """Return it from its JSON form; raises KeyError, TypeError."""
        return cls(**{**data, "log": tuple(Result(*item) for item in data["log"])})
