# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse the mountinfo of real mounts."""

from __future__ import annotations

import os

import pytest

from _engine.kernel import libc, mountinfo, mounts


def tmpfs(path: os.PathLike, name: str = "") -> str:
    """Mount a tmpfs with this source name; return the mount point."""
    os.makedirs(path, exist_ok=True)
    libc.mount(name or "tmpfs", os.fspath(path), "tmpfs", 0, "size=64k")
    return os.fspath(path)


@pytest.mark.parametrize(
    "name", ["a b", "a\tb", "a\nb", "a\\b", "a\\040b", "a#b", "ä", "\udcff", "a\u2028b", "a - b", ","]
)
def test_any_name_is_read_as_it_is(clears, name):
    """A mount on a directory with an odd name, from a source with an odd name, is found by that name."""
    target = tmpfs(clears / f"x{name}", f"y{name}")
    entry = mountinfo.at(target)
    assert (entry.target, entry.source, entry.fstype) == (target, f"y{name}", "tmpfs")


def test_the_root_of_a_bind_is_read(clears):
    """A bind mount's entry names the directory that it shows, including odd names."""
    tmpfs(clears / "one")
    (clears / "one/a b").mkdir()
    (clears / "two").mkdir()
    mounts.bind(f"{clears}/one/a b", f"{clears}/two")
    assert mountinfo.at(f"{clears}/two").root == "/a b"


def test_the_topmost_of_a_stack_is_found(clears):
    """Of several mounts on one directory the last one is returned."""
    for number in range(3):
        tmpfs(clears / "stack", f"layer{number}")
    assert mountinfo.at(f"{clears}/stack").source == "layer2"


def test_an_old_mount_moved_onto_a_young_one_is_topmost(clears):
    """An older mount that was moved onto a newer one is the topmost."""
    # A separate private mount: the kernel moves nothing out of a shared mount.
    libc.mount(None, tmpfs(clears / "private"), "", libc.MS_PRIVATE)
    old = tmpfs(clears / "private/old", "old")
    young = tmpfs(clears / "private/young", "young")
    libc.mount(old, young, "", libc.MS_MOVE)
    assert mountinfo.at(young).source == "old"


def test_mounts_below_come_innermost_first(clears):
    """Each mount below a path comes before the mount that it is on."""
    for name in ("a", "a/b", "a/b/c", "a/d", "a/b"):
        tmpfs(clears / name)
    targets = [os.path.relpath(entry.target, clears) for entry in mountinfo.below(str(clears))]
    assert sorted(targets) == ["a", "a/b", "a/b", "a/b/c", "a/d"]
    assert targets[-1] == "a"
    assert targets.index("a/b/c") < len(targets) - 1 - targets[::-1].index("a/b")
