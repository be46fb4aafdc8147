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
    """The requested driver, otherwise the first usable one is chosen, and no others are tried."""
    assert untried(wanted, lacks) == following
    if chosen:
        assert choose(wanted, lacks) == chosen


def test_refused():
    """An unusable requested driver is an error with reason and remedy."""
    assert untried(FUSE, {FUSE: NO}) is None
    with pytest.raises(HostLacks, match=f"fuse-overlayfs cannot be used on this host: {NO}") as caught:
        choose(FUSE, {OVERLAY: "", FUSE: NO})
    assert "Leave out storage_driver" in caught.value.remedy


def test_why_not_the_others():
    """Each other driver has a reason: what the host lacks, or the preferred driver."""
    assert told(FUSE, {OVERLAY: NO, FUSE: ""}) == {OVERLAY: NO, VFS: "fuse-overlayfs is preferred"}
