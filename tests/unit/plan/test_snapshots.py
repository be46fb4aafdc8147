# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots beyond the number to keep."""

from __future__ import annotations

import pytest

from _engine.model.volume.content import Snapshot
from _engine.plan.snapshots import outdated

KNOWN = (
    Snapshot("c", 3),
    Snapshot("a", 1),
    Snapshot("before-import-1", 0, "before-import"),
    Snapshot("b", 2),
)


@pytest.mark.parametrize(
    ("keep", "spared", "gone"),
    [
        (None, None, ()),
        (3, None, ()),
        (9, None, ()),
        (2, None, ("a",)),
        (1, None, ("a", "b")),
        (0, None, ("a", "b", "c")),
        (1, "a", ("b",)),
    ],
)
def test_outdated(keep, spared, gone):
    """The oldest are removed, in any order of input; snapshots of replaced content are neither counted nor removed."""
    assert outdated(KNOWN, keep, spared=spared) == gone
