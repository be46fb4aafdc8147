# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from _engine.errors import HostLacks
from _engine.model.container.userns import UserNamespace
from _engine.model.values.idmap import IdMap, Range
from _engine.plan import usernamespace

SUBUID = "ann:100:50\n# containers:1:1\ncontainers:1000:100\nbad\ncontainers:x:1\ncontainers:5000:0\ncontainers:9000:500\n"
AUTO = UserNamespace("auto")
FREE = ((1000, 100), (9000, 500))
SIZES = {
    "no accounts": ("", "", "", 1024),
    "passwd": ("a:x:3000:1:::\n", "", "", 3001),
    "primary group": ("a:x:1:3000:::\n", "", "", 3001),
    "group": ("", "a:x:4000:\n", "", 4001),
    "nobody is left out": ("nobody:x:65534:65534:::\n", "n:x:65534:\n", "", 1024),
    "user": ("", "", "5000:6000", 6001),
    "named user": ("", "", "app:app", 1024),
    "broken lines": ("a\n:::\na:x:-1:²:::\n", "\0\nx:y\n", "", 1024),
}


def test_spans():
    """A user's lines are returned in order, and invalid lines are ignored."""
    assert usernamespace.spans(SUBUID, "containers") == FREE
    assert usernamespace.spans(SUBUID, "bob") == ()


@pytest.mark.parametrize("case", SIZES)
def test_size_needed(case):
    """The size is the maximum of the largest account, the user's ID, and 1024."""
    passwd, group, user, wanted = SIZES[case]
    assert usernamespace.size_needed(passwd, group, user) == wanted


def mapped(*hosts: tuple[int, int]) -> IdMap:
    """Return a mapping with these IDs of the host."""
    ranges = tuple(Range(index * 10000, first, size) for index, (first, size) in enumerate(hosts))
    return IdMap(ranges, ranges)


#: wanted, needed, used, before -> uids
PLACES = {
    "first": (AUTO, 60, [], None, [(0, 1000, 60)]),
    "behind another": (AUTO, 30, [mapped((1000, 60))], None, [(0, 1060, 30)]),
    "between two": (AUTO, 30, [mapped((1000, 10)), mapped((1040, 60))], None, [(0, 1010, 30)]),
    "next span": (AUTO, 50, [mapped((1000, 60))], None, [(0, 9000, 50)]),
    "around foreign ids": (AUTO, 90, [mapped((500, 600))], None, [(0, 9000, 90)]),
    "kept": (AUTO, 60, [], mapped((9100, 60)), [(0, 9100, 60)]),
    "kept while larger": (AUTO, 60, [], mapped((9100, 80)), [(0, 9100, 60)]),
    "too small to keep": (AUTO, 60, [], mapped((9100, 50)), [(0, 1000, 60)]),
    "no longer given": (AUTO, 60, [], mapped((5000, 60)), [(0, 1000, 60)]),
    "size": (UserNamespace("auto", size=7), 60, [], None, [(0, 1000, 7)]),
    "fixed": (
        UserNamespace("auto", (Range(5, 77, 2),)),
        60,
        [],
        None,
        [(0, 1000, 5), (5, 77, 2), (7, 1005, 53)],
    ),
    "fixed at zero": (UserNamespace("auto", (Range(0, 77, 2),)), 60, [], None, [(0, 77, 2), (2, 1000, 58)]),
    "fixed beyond": (
        UserNamespace("auto", (Range(100, 77, 2),)),
        60,
        [],
        None,
        [(0, 1000, 60), (100, 77, 2)],
    ),
    "fixed is all": (UserNamespace("auto", (Range(0, 77, 90),)), 60, [], None, [(0, 77, 90)]),
    "fixed in the span": (
        UserNamespace("auto", (Range(0, 1000, 5),)),
        60,
        [],
        None,
        [(0, 1000, 5), (5, 1005, 55)],
    ),
}


@pytest.mark.parametrize("case", PLACES)
def test_automatic(case):
    """The first consecutive free IDs are used; a replacement keeps its IDs while they suffice."""
    wanted, needed, used, before, uids = PLACES[case]
    found = usernamespace.automatic(wanted, needed=needed, free=(FREE, FREE), used=used, before=before)
    assert [tuple(item) for item in found.uids] == uids


def test_no_room():
    """Without free IDs, the error names the user and both files; an image with many IDs requires size."""
    with pytest.raises(HostLacks, match="user containers has no 501 consecutive free subordinate IDs"):
        usernamespace.automatic(AUTO, needed=501, free=(FREE, FREE), used=[])
    with pytest.raises(HostLacks, match="auto:size=70000"):
        usernamespace.automatic(AUTO, needed=70000, free=(FREE, FREE), used=[])


def test_named():
    """All subordinate IDs of a user are mapped, starting at 0."""
    assert usernamespace.named(SUBUID, "containers", "/f") == (Range(0, 1000, 100), Range(100, 9000, 500))
    with pytest.raises(HostLacks, match="/f has no IDs for user bob"):
        usernamespace.named(SUBUID, "bob", "/f")
