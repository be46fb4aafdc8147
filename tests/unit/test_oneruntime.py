# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests that need only one runtime use one of the two, and each runtime gets about as many."""

from __future__ import annotations

from oneruntime import RUNTIMES, runtime_of

NAMES = [
    f"tests/engine/lifecycle/test_{file}.py::test_it[{{}}-case {case}]"
    for file in "ab"
    for case in range(200)
]


def test_both_names_of_a_test_agree():
    """The names of a test with either runtime give the same choice."""
    assert [runtime_of(name.format("runc")) for name in NAMES] == [
        runtime_of(name.format("crun")) for name in NAMES
    ]


def test_the_halves_are_alike():
    """Neither runtime has more than three fifths of the tests."""
    found = [runtime_of(name.format("runc")) for name in NAMES]
    assert all(found.count(runtime) <= len(NAMES) * 3 / 5 for runtime in RUNTIMES)
