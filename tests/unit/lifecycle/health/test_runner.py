# SPDX-License-Identifier: GPL-3.0-or-later
"""The sleep of the health checker."""

from __future__ import annotations

import pytest

from _engine.lifecycle.health.runner import milliseconds

DAY = 86_400 * 10**9
SLEEPS = [
    ((), None),
    ((0,), 1),
    ((-5,), 1),
    ((1_000_000, 2_000_000), 2),
    ((25 * DAY,), 86_400_000),
    ((366 * DAY, 366 * DAY), 86_400_000),
]


@pytest.mark.parametrize(("spans", "expected"), SLEEPS)
def test_sleep_is_a_time_that_poll_takes(spans, expected):
    """The shortest span counts, up to the longest that poll(2) can wait: an interval may be a year."""
    assert milliseconds(spans) == expected
