# SPDX-License-Identifier: GPL-3.0-or-later
"""Times as text."""

from __future__ import annotations

import pytest

from _engine.model.values.times import NEVER, parse_rfc3339, rfc3339

WRITTEN = [
    (0, "1970-01-01T00:00:00.000000000Z"),
    (1, "1970-01-01T00:00:00.000000001Z"),
    (-1, "1969-12-31T23:59:59.999999999Z"),
    (1_795_472_847_123_456_789, "2026-11-23T22:27:27.123456789Z"),
    (1_795_472_847_500_000_000, "2026-11-23T22:27:27.500000000Z"),
]


@pytest.mark.parametrize(("ns", "text"), WRITTEN)
def test_a_time_is_written_to_the_nanosecond(ns, text):
    """A time becomes RFC 3339 text in UTC with nine digits, and that text the same time."""
    assert rfc3339(ns) == text
    assert parse_rfc3339(text) == ns


READ = [
    ("1970-01-01T00:00:01Z", 10**9),
    ("1970-01-01T02:00:00.5+02:00", 5 * 10**8),
    ("1969-12-31T19:00:00.000000002-05:00", 2),
    ("1970-01-01t00:00:00z", 0),
    (NEVER, -62_135_596_800 * 10**9),
]


@pytest.mark.parametrize(("text", "ns"), READ)
def test_other_spellings_are_read(text, ns):
    """Any offset, any number of digits and lower-case letters are accepted."""
    assert parse_rfc3339(text) == ns


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-11-23",
        "2026-11-23T22:27:27",
        "2026-13-01T00:00:00Z",
        "\u0661970-01-01T00:00:00Z",
    ],
)
def test_what_is_no_time_is_refused(text):
    """Text that is not an RFC 3339 time is refused."""
    with pytest.raises(ValueError, match=r"time|month"):
        parse_rfc3339(text)


def test_texts_sort_as_times():
    """Texts sort as the times do, whether or not they have a fraction."""
    times = [27 * 10**9, 27 * 10**9 + 5 * 10**8, 28 * 10**9]
    assert sorted(map(rfc3339, times)) == [rfc3339(time) for time in times]
