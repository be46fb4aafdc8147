# SPDX-License-Identifier: GPL-3.0-or-later
"""Health after a check's result, one row per rule, and the schedule."""

from __future__ import annotations

import json

import pytest

from _engine.model.container.health import HEALTHY, STARTING, UNHEALTHY, Health, Result
from _engine.model.container.healthcheck import HealthCheck, StartupCheck
from _engine.plan.health import after, next_is_startup
from _engine.plan.schedule import Schedule

SECOND = 10**9
CHECK = HealthCheck(("CMD", "true"), ("true",), retries=3, action="kill")
PATIENT = HealthCheck(("CMD", "true"), ("true",), retries=1, start_period=10 * SECOND, action="kill")


def result(code: int, output: str = "") -> Result:
    """Return the result of a check with this exit code."""
    return Result(1, 2, code, output)


@pytest.mark.parametrize(
    ("check", "before", "code", "age", "status", "streak", "action"),
    [
        (CHECK, Health(1), 0, 0, HEALTHY, 0, "none"),
        (CHECK, Health(1), 1, 0, STARTING, 1, "none"),
        (CHECK, Health(1, STARTING, 1), 1, 0, STARTING, 2, "none"),
        (CHECK, Health(1, STARTING, 2), 1, 0, UNHEALTHY, 3, "kill"),
        (CHECK, Health(1, HEALTHY), 127, 0, HEALTHY, 1, "none"),
        (CHECK, Health(1, HEALTHY, 2), 1, 0, UNHEALTHY, 3, "kill"),
        (CHECK, Health(1, HEALTHY, 2), 0, 0, HEALTHY, 0, "none"),
        (CHECK, Health(1, UNHEALTHY, 3), 1, 0, UNHEALTHY, 4, "kill"),
        (CHECK, Health(1, UNHEALTHY, 4), 0, 0, HEALTHY, 0, "none"),
        (PATIENT, Health(1), 1, 9 * SECOND, STARTING, 0, "none"),
        (PATIENT, Health(1), 1, 10 * SECOND, UNHEALTHY, 1, "kill"),
        (PATIENT, Health(1), 0, 0, HEALTHY, 0, "none"),
        (PATIENT, Health(1, HEALTHY), 1, 1, HEALTHY, 0, "none"),
    ],
)
def test_regular_check(check, before, code, age, status, streak, action):
    """Consecutive failures make it unhealthy, a success healthy; failures in the start period do not count."""
    health, done = after(check, before, result(code), age=age)
    assert (health.status, health.failing_streak, done) == (status, streak, action)
    assert health.log[-1].exit_code == code


@pytest.mark.parametrize(
    ("retries", "successes", "codes", "passed", "actions"),
    [
        (0, 0, [0], True, ["none"]),
        (0, 2, [0], False, ["none"]),
        (0, 2, [0, 0], True, ["none", "none"]),
        (0, 1, [1, 1, 1, 1], False, ["none"] * 4),
        (2, 1, [1, 1], False, ["none", "restart"]),
        (2, 1, [1, 0], True, ["none", "none"]),
    ],
)
def test_startup_check(retries, successes, codes, passed, actions):
    """The startup check needs its successes, may restart at its retries, and does not affect the health."""
    check = HealthCheck(
        ("CMD", "true"), ("true",), startup=StartupCheck(("up",), retries=retries, successes=successes)
    )
    health, done = Health(1), []
    for code in codes:
        assert next_is_startup(check, health)
        health, action = after(check, health, result(code), age=0)
        done.append(action)
    assert (health.startup_passed, done, health.status) == (passed, actions, STARTING)
    assert next_is_startup(check, health) is not passed


def test_the_last_five_results_are_kept():
    """Only the newest results are kept."""
    health = Health(1)
    for number in range(7):
        health = after(CHECK, health, result(0, str(number)), age=0)[0]
    assert [one.output for one in health.log] == ["2", "3", "4", "5", "6"]


def test_health_survives_storing():
    """Encoding and decoding preserves the health."""
    health = after(CHECK, Health(5, HEALTHY, 1), result(3, "\u00e9\n"), age=0)[0]
    assert Health.decode(json.loads(json.dumps(health.encode()))) == health


def test_schedule():
    """Due keys come once and in order, rescheduled keys at their new time, dropped keys never."""
    schedule = Schedule()
    assert schedule.wait(0) is None
    for key, due in (("b", 20), ("a", 10), ("c", 30), ("d", 5)):
        schedule.set(key, due)
    schedule.set("a", 25)
    schedule.drop("d")
    schedule.drop("nobody")
    assert schedule.wait(0) == 20
    assert schedule.pop(19) == []
    assert schedule.pop(25) == ["b", "a"]
    assert (schedule.wait(26), schedule.wait(99)) == (4, 0)
    assert schedule.pop(100) == ["c"]
    assert schedule.wait(100) is None
