# SPDX-License-Identifier: GPL-3.0-or-later
"""The root cgroup is refused. No test ever calls a killing or removing function with such a path."""

from __future__ import annotations

import pytest

from _engine.kernel.cgroup import cgroups

WRONG = [
    "/",
    "",
    "//",
    "///",
    "slipway",
    "/slipway/..",
    "/..",
    "/a/../..",
    "//a",
    "/a/",
    "/a//b",
    "/./a",
    "/.",
    ".",
]


@pytest.mark.parametrize("path", WRONG)
def test_the_root_is_never_meant(path):
    """A path that is, or may lead to, the root cgroup is refused: it contains the whole host."""
    with pytest.raises(ValueError, match="not the path of a cgroup"):
        cgroups._refuse_root(path)


@pytest.mark.parametrize("path", ["/slipway", "/slipway/abc", "/a/.b", "/a/b..c"])
def test_a_path_below_the_root_is_fine(path):
    """An ordinary path is accepted."""
    assert not cgroups.is_file(path)
