# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables, sizes and ages."""

from __future__ import annotations

import time

import pytest

from _engine.agent.cli import table
from _engine.model.values.times import rfc3339


def test_columns_are_as_wide_as_their_widest_cell():
    """Cells are aligned in columns, two blanks apart, without trailing blanks."""
    assert table.render(("NAME", "STATUS"), [("web", "running, pid 7"), ("database", "")]) == (
        "NAME      STATUS\nweb       running, pid 7\ndatabase\n"
    )


def test_a_table_without_rows():
    """A table without rows has only its heading."""
    assert table.render(("A", "B"), []) == "A  B\n"


SIZES = {
    0: "0 B",
    1: "1 B",
    999: "999 B",
    1000: "1 kB",
    1500: "1.5 kB",
    4_200_000: "4.2 MB",
    123_400_000: "123 MB",
    10**9: "1 GB",
    10**12: "1 TB",
    5 * 10**13: "50 TB",
    999_600: "1 MB",
    5 * 10**15: "5 PB",
}


@pytest.mark.parametrize(("size", "text"), SIZES.items())
def test_sizes(size, text):
    """A size has three digits and a unit, in powers of 1000."""
    assert table.human_size(size) == text


AGES = [
    (0, "now"),
    (1.5, "1 second ago"),
    (59.5, "59 seconds ago"),
    (60.5, "1 minute ago"),
    (3599, "59 minutes ago"),
    (3600.5, "1 hour ago"),
    (7300, "2 hours ago"),
    (86401, "1 day ago"),
    (400 * 86400 + 1, "400 days ago"),
    (-60, "now"),
]


@pytest.mark.parametrize(("seconds", "text"), AGES)
def test_ages(seconds, text):
    """An age is given in its largest whole unit; a time in the future is "now"."""
    assert table.age(rfc3339(time.time_ns() - int(seconds * 10**9))) == text


@pytest.mark.parametrize(("stamp", "text"), [(None, "unknown"), ("", "unknown"), ("once", "once")])
def test_what_is_no_time(stamp, text):
    """A missing time is "unknown"; an invalid one from an image's builder is shown as it is."""
    assert table.age(stamp) == text
