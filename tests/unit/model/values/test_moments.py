# SPDX-License-Identifier: GPL-3.0-or-later
"""Points in time."""

from __future__ import annotations

import time

import pytest

from _engine.errors import InvalidOption
from _engine.model.values.moments import moment

SECOND = 10**9
NOW = 1_800_000_000 * SECOND
CASES = [
    ("10m", NOW - 600 * SECOND),
    ("1h30m", NOW - 5400 * SECOND),
    ("1800000000", NOW),
    ("1800000000.5", NOW + SECOND // 2),
    ("0", 0),
    ("10", 10 * SECOND),
    ("2027-01-15T08:00:00Z", NOW),
    ("2027-01-15T10:00:00.000000001+02:00", NOW + 1),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_moments(text, expected):
    """All spellings are the same instant."""
    assert moment("since", text, now=NOW) == expected


def test_without_an_offset_it_is_the_hosts_time(monkeypatch):
    """A date, or a time without an offset, is read in the host's time zone."""
    monkeypatch.setenv("TZ", "UTC-2")
    time.tzset()
    try:
        assert moment("since", "2027-01-15T10:00:00", now=0) == NOW
        assert moment("since", "2027-01-15", now=0) == NOW - 10 * 3600 * SECOND
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("text", ["", "yesterday", "-5m", "2027-13-01", "10x"])
def test_what_is_no_moment(text):
    """An invalid time is refused, and the remedy has the formats."""
    with pytest.raises(InvalidOption) as caught:
        moment("since", text, now=NOW)
    assert "10m" in caught.value.remedy
