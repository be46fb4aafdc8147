# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse mountinfo."""

from __future__ import annotations

import pytest

from _engine.kernel import mountinfo
from _engine.kernel.mountinfo import MountEntry

LINE = "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue"
ENTRY = MountEntry(36, 35, "98:0", "/mnt1", "/mnt2", "rw,noatime", "ext3", "/dev/root", "rw,errors=continue")


@pytest.mark.parametrize(
    "line",
    [
        LINE,
        LINE.replace(" master:1", ""),
        LINE.replace("master:1", "shared:2 master:1 propagate_from:3 unbindable"),
    ],
    ids=["one tag", "no tag", "many tags"],
)
def test_a_line_is_read(line):
    """All fields of a line are parsed, with any number of tags."""
    assert mountinfo.parse(line + "\n") == (ENTRY,)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (r"/a\040b", "/a b"),
        (r"/a\011b\012c\134d", "/a\tb\nc\\d"),
        (r"/a\134040b", r"/a\040b"),
        (r"/a\043b", "/a#b"),
        ("/a\x85b\u2028c", "/a\x85b\u2028c"),
        ("/a\udcffb", "/a\udcffb"),
    ],
)
def test_escapes_are_undone(written, meant):
    """The kernel's escapes are undone once, and no other character is special."""
    (entry,) = mountinfo.parse(LINE.replace("/mnt1", written).replace("/mnt2", written))
    assert (entry.root, entry.target) == (meant, meant)


def test_an_empty_source_is_read():
    """The empty field of a mount without a source does not shift the others."""
    (entry,) = mountinfo.parse("36 35 0:5 / /x rw - tmpfs  rw,size=1k\n")
    assert (entry.fstype, entry.source, entry.super_options) == ("tmpfs", "", "rw,size=1k")


def test_what_is_mounted_is_read():
    """This process's own mounts are listed, including the root and /proc."""
    assert {"/", "/proc"} <= {entry.target for entry in mountinfo.read()}
    assert mountinfo.at("/proc").fstype == "proc"
    assert mountinfo.at("/proc/self") is None


def test_below_takes_whole_names():
    """Mounts below a path have it as a parent directory, not as a prefix of a name."""
    assert "/proc" in {entry.target for entry in mountinfo.below("/")}
    assert "/proc" in {entry.target for entry in mountinfo.below("/proc/")}
    assert mountinfo.below("/pro") == ()
