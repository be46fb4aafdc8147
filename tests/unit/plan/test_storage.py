# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from _engine.errors import HostLacks
from _engine.model.engine.storage_drivers import FUSE, OVERLAY, VFS
from _engine.plan.storage import choose, told, untried

NO = "it is not there"


@pytest.mark.parametrize(
    ("wanted", "lacks", "following", "chosen"),
    [
        (None, {}, OVERLAY, None),
        (None, {OVERLAY: ""}, None, OVERLAY),
        (None, {OVERLAY: NO}, FUSE, None),
        (None, {OVERLAY: NO, FUSE: ""}, None, FUSE),
        (None, {OVERLAY: NO, FUSE: NO}, VFS, None),
        (None, {OVERLAY: NO, FUSE: NO, VFS: ""}, None, VFS),
        (FUSE, {OVERLAY: ""}, FUSE, None),
        (FUSE, {OVERLAY: "", FUSE: ""}, None, FUSE),
        (VFS, {OVERLAY: "", VFS: ""}, None, VFS),
    ],
)
def test_the_best_that_works(wanted, lacks, following, chosen):
    """What is asked for, else the first that works is taken, and no more is tried than it needs."""
    assert untried(wanted, lacks) == following
    if chosen:
        assert choose(wanted, lacks) == chosen


def test_refused():
    """What is asked for and can't be used is an error with the reason and what to do."""
    assert untried(FUSE, {FUSE: NO}) is None
    with pytest.raises(HostLacks, match=f"fuse-overlayfs cannot be used on this host: {NO}") as caught:
        choose(FUSE, {OVERLAY: "", FUSE: NO})
    assert "Leave out storage_driver" in caught.value.remedy


def test_why_not_the_others():
    """Each of the others has its reason: what it lacks, or that a better one is taken."""
    assert told(FUSE, {OVERLAY: NO, FUSE: ""}) == {OVERLAY: NO, VFS: "fuse-overlayfs is preferred"}
