# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from _engine.kernel import mountinfo
from _engine.rootfs import shm

SIZE = 1 << 20


def test_shm_is_everybodys_and_bounded(container):
    """It is world-writable with the sticky bit, and limited to its size."""
    assert shm.mount_shm(container, SIZE) == container.shm
    entry = mountinfo.at(container.shm)
    assert stat.S_IMODE(os.stat(container.shm).st_mode) == 0o1777
    assert entry.fstype == "tmpfs"
    assert {"nosuid", "nodev", "noexec"} <= set(entry.options.split(","))
    with pytest.raises(OSError, match="No space"):
        Path(container.shm, "big").write_bytes(b"x" * (SIZE + 1))


def test_mounting_again_keeps_what_is_there(container, mounted):
    """A mounted shm and its content are left alone."""
    shm.mount_shm(container, SIZE)
    Path(container.shm, "kept").write_text("x")
    shm.mount_shm(container, SIZE)
    assert os.listdir(container.shm) == ["kept"]
    assert mounted() == [container.shm]


def test_unmounting_what_is_gone_is_fine(container, mounted):
    """Unmounting before the mount, and twice, is no error."""
    shm.unmount_shm(container)
    shm.mount_shm(container, SIZE)
    shm.unmount_shm(container)
    shm.unmount_shm(container)
    assert mounted() == []
    assert not shm.is_mounted(container)
