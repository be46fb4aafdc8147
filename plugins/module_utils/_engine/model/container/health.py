# SPDX-License-Identifier: GPL-3.0-or-later
"""A container's health: the results of its checks in the current run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ...frozen import dataclass
from ..values.jsontext import is_a

STARTING, HEALTHY, UNHEALTHY = "starting", "healthy", "unhealthy"
#: Number of results kept, and characters of output of each, as in libpod (MaxHealthCheckNumberLogs, MaxHealthCheckLogLength).
KEPT, OUTPUT_LIMIT = 5, 500
#: The largest time in nanoseconds, in the year 2262.
_MOST = 2**63 - 1


class Result(NamedTuple):
    """The result of a check: start and end in nanoseconds since the epoch, exit status, the beginning of its output."""

    start: int
    end: int
    exit_code: int
    output: str


@dataclass(frozen=True)
class Health:
    """A container's health in one run; ``run`` is the start of the run, in nanoseconds since the epoch.

    ``startup_passed``: the startup check has succeeded; the two counts are its successes and failures so far.
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
        """Decode the JSON form. Raises KeyError, TypeError or ValueError for anything else."""
        log = tuple(Result(*item) for item in data["log"])
        health = cls(**{**data, "log": log})
        _check_types(cls(health.run), health)
        for result in log:
            _check_types(Result(0, 0, 0, ""), result)
        return health


def _check_types(model: Health | Result, value: Health | Result) -> None:
    """Check that the fields have the types of the model's, and numbers are in range. Raises ValueError."""
    fields = value._asdict() if isinstance(value, Result) else vars(value)
    models = model._asdict() if isinstance(model, Result) else vars(model)
    for name, field in fields.items():
        expected = int if name == "run" else type(models[name])
        if not is_a(field, expected) or (expected is int and not -_MOST <= field <= _MOST):
            raise ValueError(f"{name} is not of type {expected.__name__}")
