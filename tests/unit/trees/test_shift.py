# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import struct

from _engine.model.values.idmap import OVERFLOW, IdMap, Range
from _engine.trees.shift import shifted

OWNERS = IdMap((Range(0, 1000, 10),), (Range(0, 2000, 10),))
CAPABILITY = "security.capability"


def test_a_file_capability_becomes_the_namespaces():
    """A capability of the host's root becomes the mapped root's, with its flags and masks."""
    second = struct.pack("<5I", 0x02000001, 1, 2, 3, 4)
    assert shifted(CAPABILITY, second, OWNERS) == struct.pack("<6I", 0x03000001, 1, 2, 3, 4, 1000)
    third = struct.pack("<6I", 0x03000000, 1, 2, 3, 4, 5)
    assert shifted(CAPABILITY, third, OWNERS) == struct.pack("<6I", 0x03000000, 1, 2, 3, 4, 1005)


def test_a_file_capability_on_its_way_back():
    """A capability of the mapped root becomes the plain form, without an id."""
    third = struct.pack("<6I", 0x03000001, 1, 2, 3, 4, 1000)
    back = OWNERS.inverse()
    assert shifted(CAPABILITY, third, back) == struct.pack("<5I", 0x02000001, 1, 2, 3, 4)
    assert shifted(CAPABILITY, struct.pack("<6I", 0x03000001, 1, 2, 3, 4, 1005), back)[-4:] == bytes(
        [5, 0, 0, 0]
    )


def test_an_access_list_names_the_namespaces_ids():
    """Users and groups of an ACL are mapped, each by its own map; other entries have no id."""
    entries = ((1, 7, 0xFFFFFFFF), (2, 6, 3), (4, 5, 0xFFFFFFFF), (8, 4, 3), (2, 4, 99), (16, 7, 0xFFFFFFFF))
    wanted = (
        (1, 7, 0xFFFFFFFF),
        (2, 6, 1003),
        (4, 5, 0xFFFFFFFF),
        (8, 4, 2003),
        (2, 4, OVERFLOW),
        (16, 7, 0xFFFFFFFF),
    )
    head = struct.pack("<I", 2)
    value, result = (
        head + b"".join(struct.pack("<HHI", *item) for item in items) for items in (entries, wanted)
    )
    for name in ("system.posix_acl_access", "system.posix_acl_default"):
        assert shifted(name, value, OWNERS) == result


def test_what_holds_no_ids():
    """Other attributes, and invalid capabilities and ACLs, are unchanged."""
    for name in ("user.x", CAPABILITY, "system.posix_acl_access"):
        assert shifted(name, b"abc", OWNERS) == b"abc"
