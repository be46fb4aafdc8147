# SPDX-License-Identifier: GPL-3.0-or-later
"""A storage driver is tested by doing what containers do, and the test leaves nothing."""

from __future__ import annotations

import pytest

from _engine.kernel import libc
from _engine.kernel.process import find_by_argument
from _engine.model.engine.storage_drivers import DRIVERS, FUSE, OVERLAY, VFS
from _engine.rootfs import probe, support


@pytest.fixture
def tried(fuse_works, place, mounted):
    """Return a function that tests a driver in a directory, and checks that no mount and process is left."""
    fuse_works()

    def lacks(driver: str, top) -> str:
        stage = top / f"stage-{driver}"
        stage.mkdir()
        before = mounted()
        found = probe.lacks(driver, str(top), str(stage))
        assert mounted() == before
        assert not find_by_argument(f"slipway-probe:{stage}")
        return found

    return lacks


@pytest.mark.parametrize("driver", DRIVERS)
def test_all_work_on_a_disk(place, tried, driver):
    """All drivers work on a common file system."""
    assert tried(driver, place) == ""


def test_a_file_system_that_keeps_no_marks(place, tried):
    """The kernel mounts an overlay on a ramfs, which cannot store whiteouts: only the test detects it."""
    libc.mount("ramfs", str(place), "ramfs", 0)
    support.foresee(OVERLAY, str(place))
    assert f"a test mount below {place} failed" in tried(OVERLAY, place)
    assert tried(FUSE, place) == tried(VFS, place) == ""


def test_what_it_hangs_on(place):
    """Another file system at the path invalidates the result."""
    before = support.host(str(place))
    assert support.host(str(place / "not" / "there")) == before
    libc.mount("ramfs", str(place), "ramfs", 0)
    assert support.host(str(place)) != before
