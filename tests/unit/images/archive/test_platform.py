# SPDX-License-Identifier: GPL-3.0-or-later
"""The best match among several platforms."""

from __future__ import annotations

import platform

import pytest

from _engine.images.archive import platform as hostplatform
from _engine.images.archive.platform import Platform


def parsed(text):
    """Parse OS/ARCHITECTURE/VARIANT."""
    return Platform(*text.split("/"))


@pytest.mark.parametrize(
    ("host", "offered", "chosen"),
    [
        ("linux/amd64", "linux/arm64 linux/amd64", "linux/amd64"),
        ("linux/amd64", "windows/amd64 linux/amd64", "linux/amd64"),
        ("linux/amd64", "linux/amd64 linux/amd64/v3", "linux/amd64"),
        ("linux/amd64", "linux/amd64/v3 linux/amd64", "linux/amd64"),
        ("linux/amd64", "linux/amd64/v3", None),
        ("linux/arm/v7", "linux/arm/v5 linux/arm/v6 linux/arm/v7", "linux/arm/v7"),
        ("linux/arm/v7", "linux/arm/v5 linux/arm/v6", "linux/arm/v6"),
        ("linux/arm/v6", "linux/arm/v7 linux/arm/v5", "linux/arm/v5"),
        ("linux/arm/v6", "linux/arm/v7", None),
        ("linux/arm/v7", "linux/arm/v6 linux/arm", "linux/arm"),
        ("linux/arm64/v8", "linux/arm linux/arm64", "linux/arm64"),
        ("linux/arm64/v8", "linux/arm64 linux/arm64/v8", "linux/arm64/v8"),
        ("linux/arm64", "linux/amd64 linux/arm64/v8", "linux/arm64/v8"),
        ("linux/arm64", "linux/arm64/v9 linux/arm64/v8", "linux/arm64/v8"),
        ("linux/arm", "linux/arm/v5 linux/arm/v7", "linux/arm/v7"),
        ("linux/s390x", "linux/amd64", None),
        ("linux/s390x", "", None),
    ],
)
def test_best(host, offered, chosen):
    """The host's own variant is best, then none, then older ones; newer ones cannot run."""
    platforms = [parsed(text) for text in offered.split()]
    index = hostplatform.best(platforms, parsed(host))
    assert (None if index is None else str(platforms[index])) == chosen


def test_the_first_of_equals():
    """Of two equal matches the first is chosen."""
    assert hostplatform.best([parsed("linux/amd64")] * 2, parsed("linux/amd64")) == 0


@pytest.mark.parametrize(
    ("machine", "expected"),
    [
        ("x86_64", "linux/amd64"),
        ("aarch64", "linux/arm64/v8"),
        ("armv7l", "linux/arm/v7"),
        ("riscv64", "linux/riscv64"),
    ],
)
def test_of_host(machine, expected, monkeypatch):
    """The kernel's name of an architecture is mapped to Go's."""
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert str(hostplatform.of_host()) == expected
