# SPDX-License-Identifier: GPL-3.0-or-later
"""Ulimits and devices."""

from __future__ import annotations

import pytest

from _engine.model.container import limits
from _engine.model.container.limits import Device

ULIMITS = {
    "nofile=1024": ("nofile", (1024, 1024)),
    "nofile=10:20": ("nofile", (10, 20)),
    "NOFILE=5": ("nofile", (5, 5)),
    "RLIMIT_NOFILE=5": ("nofile", (5, 5)),
    "nofile=-1": ("nofile", (-1, -1)),
    "nofile=unlimited": ("nofile", (-1, -1)),
    "nofile=10:-1": ("nofile", (10, -1)),
    "core=-1:unlimited": ("core", (-1, -1)),
    "core=0": ("core", (0, 0)),
    f"stack={2**63 - 1}": ("stack", (2**63 - 1, 2**63 - 1)),
}


@pytest.mark.parametrize(("text", "parsed"), ULIMITS.items())
def test_a_ulimit(text, parsed):
    """A single number sets both limits, and -1 is unlimited."""
    assert limits.parse_ulimit("ulimit", text) == parsed


NO_ULIMITS = (
    "",
    "nofile",
    "=5",
    "nofile=",
    "nofile=a",
    "nofile=1:2:3",
    "nofile=1:",
    "nofile=:1",
    "foo=1",
    "host",
    "nofile=1.5",
    "nofile=-2",
    "nofile=20:10",
    "nofile=-1:10",
    f"nofile={2**63}",
    "nofile=99999999999999999999",
    "nofile=\u00b2",
    "nofile=\u0661",
    "nofile= 5",
    "nofile=" + "9" * 5000,
    None,
)


@pytest.mark.parametrize("text", NO_ULIMITS)
def test_what_is_no_ulimit(refused, text):
    """Unknown limits, a soft limit above the hard limit, and invalid numbers are refused."""
    refused(limits.parse_ulimit, "ulimit", text)


def test_every_ulimit_of_linux():
    """All limits of getrlimit(2) are known."""
    assert {limits.parse_ulimit("ulimit", f"{name}=1")[0] for name in limits.RLIMITS} == limits.RLIMITS
    assert len(limits.RLIMITS) == 16


DEVICES = {
    "/dev/fuse": Device("/dev/fuse", "/dev/fuse", "rwm"),
    "/dev/fuse:r": Device("/dev/fuse", "/dev/fuse", "r"),
    "/dev/fuse:/dev/x": Device("/dev/fuse", "/dev/x", "rwm"),
    "/dev/fuse:/dev/x:rw": Device("/dev/fuse", "/dev/x", "rw"),
    "/dev/fuse:/dev/x:mwr": Device("/dev/fuse", "/dev/x", "rwm"),
    "/dev/fuse:wrw": Device("/dev/fuse", "/dev/fuse", "rw"),
}


@pytest.mark.parametrize(("text", "parsed"), DEVICES.items())
def test_a_device(text, parsed):
    """Destination and permissions have defaults, and the order of permissions is insignificant."""
    assert limits.parse_device("device", text) == parsed


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        ":/dev/x",
        "/dev/fuse:",
        "/dev/fuse:x",
        "/dev/fuse:/dev/x:",
        "/dev/fuse:/dev/x:rw:1",
        "/dev/fuse:rw:/dev/x",
        "/dev/fu\0se",
        None,
    ],
)
def test_what_is_no_device(refused, text):
    """Relative paths, unknown permissions and extra parts are refused."""
    refused(limits.parse_device, "device", text)
