# SPDX-License-Identifier: GPL-3.0-or-later
"""Update a container's health with the result of a check; pure.

The rules are libpod's (healthcheck.go): failures in the start period do not count, ``retries`` consecutive failures make the
container unhealthy, one success makes it healthy; a startup check comes first, and can cause a restart.
"""

from __future__ import annotations

from ..frozen import replace
from ..model.container.health import HEALTHY, KEPT, UNHEALTHY, Health, Result
from ..model.container.healthcheck import HealthCheck
from ..model.container.healthtest import NONE, RESTART


def next_is_startup(check: HealthCheck, health: Health) -> bool:
    """Return whether the next check is the startup check."""
    return check.startup is not None and not health.startup_passed


def after(check: HealthCheck, health: Health, result: Result, *, age: int) -> tuple[Health, str]:
    """Return the health after a result, and the action to take on the container (``none``, ``kill``, ...).

    ``age`` is the time from the container's start to the start of the check, in nanoseconds.
    """
    kept = replace(health, log=(*health.log, result)[-KEPT:])
    if next_is_startup(check, health):
        return _after_startup(check, kept, result)
    if result.exit_code == 0:
        return replace(kept, status=HEALTHY, failing_streak=0), NONE
    if age < check.start_period:
        return kept, NONE
    streak = health.failing_streak + 1
    if streak < check.retries:
        return replace(kept, failing_streak=streak), NONE
    return replace(kept, status=UNHEALTHY, failing_streak=streak), check.action


def _after_startup(check: HealthCheck, health: Health, result: Result) -> tuple[Health, str]:
    startup = check.startup
    if startup is None:  # excluded by next_is_startup(), but not known to mypy
        return health, NONE
    if result.exit_code == 0:
        successes = health.startup_successes + 1
        passed = successes >= max(1, startup.successes)
        return replace(health, startup_successes=successes, startup_passed=passed), NONE
    failures = health.startup_failures + 1
    action = RESTART if startup.retries and failures >= startup.retries else NONE
    return replace(health, startup_failures=failures), action
