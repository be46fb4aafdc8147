# SPDX-License-Identifier: GPL-3.0-or-later
"""Support for mount options, as probed in the kernel."""

from __future__ import annotations

import os

import pytest

from _engine.errors import HostLacks
from _engine.kernel import mountinfo
from _engine.lifecycle.preflight import mount_support
from _engine.model.mounts.mount import Mount


def test_what_the_kernel_has(need):
    """Options that this kernel supports pass, and the probe leaves no mount behind."""
    need(os.geteuid() == 0, "root")
    before = mountinfo.below("/")
    mount_support.check(Mount("bind", "/s", "/d", ("rro",)))
    if tuple(map(int, os.uname().release.split(".")[:2])) >= (6, 4):
        mount_support.check(Mount("tmpfs", "", "/d", ("noswap",)))
    assert mountinfo.below("/") == before


def test_what_the_kernel_has_not(need, monkeypatch):
    """An option that the kernel refuses is reported, with the kernel's version and the remedy."""
    need(os.geteuid() == 0, "root")
    # No kernel knows this option, so the kernel's own error is tested.
    unknown = mount_support.mounts.tmpfs
    monkeypatch.setattr(
        mount_support.mounts,
        "tmpfs",
        lambda path, **how: unknown(path, **{**how, "options": ("slipway-unknown",)}),
    )
    with pytest.raises(HostLacks, match="noswap needs Linux 6") as caught:
        mount_support.check(Mount("tmpfs", "", "/d", ("noswap",)))
    assert caught.value.remedy
