# SPDX-License-Identifier: GPL-3.0-or-later
"""Sparse files: comparison, and the form in a tar between host and controller."""

from __future__ import annotations

import io

import pytest

from _engine.errors import ArchiveBroken
from _engine.model.values.sparse import cut, from_pax, packed, same, to_pax, unpacked

K = 64 * 1024
HUGE = 1 << 62

#: Two ways of telling a file, and whether it is one and the same.
PAIRS = {
    "a hole or zeroes": ([(0, b"a"), (3 * K, b"b")], [(0, b"a" + bytes(3 * K - 1) + b"b")], True),
    "other cuts": ([(0, b"abc"), (3, b"def")], [(0, b"a"), (1, b"bcdef"), (6, b"")], True),
    "nothing but a hole": ([(HUGE, b"")], [(HUGE - 5, bytes(5))], True),
    "other sizes": ([(5, b"")], [(6, b"")], False),
    "a byte more": ([(0, b"a")], [(0, b"ab")], False),
    "a byte in a hole": ([(HUGE, b"")], [(K + 7, b"x"), (HUGE, b"")], False),
    "the same byte elsewhere": ([(7, b"x"), (K, b"")], [(8, b"x"), (K, b"")], False),
    "empty": ([], [(0, b"")], True),
}


@pytest.mark.parametrize("case", PAIRS)
def test_same(case):
    """Content and size are compared, not holes; the cost depends on the data only."""
    one, other, expected = PAIRS[case]
    assert same(one, other) is expected
    assert same(other, one) is expected


def test_cut():
    """A piece is split at the boundaries of aligned blocks, for any offset."""
    parts = [*cut(K - 1, b"ab" * K)]
    assert [(at, len(data)) for at, data in parts] == [(K - 1, 1), (K, K), (2 * K, K - 1)]
    assert b"".join(data for _at, data in parts) == b"ab" * K


#: Parts of a file and its size.
MAPS = [((), 0), (((0, 5),), 5), ((), HUGE), (((0, 5), (HUGE - 2, 2)), HUGE), (((7, 1), (8, 2)), 20)]


@pytest.mark.parametrize(("parts", "size"), MAPS)
def test_there_and_back(parts, size):
    """A member's keywords and data restore the file; a file without holes needs no keywords."""
    pieces = [(offset, b"x" * length) for offset, length in parts]
    stored = b"".join(packed([*pieces, (size, b"")], parts))
    keywords = to_pax(parts, size)
    assert bool(keywords) == (sum(length for _offset, length in parts) < size)
    assert from_pax(keywords, len(stored)) == ([*parts] if keywords else parts, size)
    assert same(unpacked(io.BytesIO(stored).read, *from_pax(keywords, len(stored))), [*pieces, (size, b"")])


#: What a file holds when it is read, after its parts were listed as (2, 3) and (10, 2).
CHANGED = [
    ([(12, b"")], b"\0\0\0\0\0"),
    ([(0, b"abcdefghijklmn")], b"cdekl"),
    ([(3, b"d"), (11, b"l")], b"\0d\0\0l"),
    ([(0, b"abc")], b"c\0\0\0\0"),
    ([], b"\0\0\0\0\0"),
]


@pytest.mark.parametrize(("pieces", "expected"), CHANGED)
def test_a_file_that_changes_meanwhile(pieces, expected):
    """The promised number of bytes is returned; data that has gone is zeroes."""
    assert b"".join(packed(pieces, [(2, 3), (10, 2)])) == expected


#: Size, map and stored bytes of members that no honest peer makes.
DAMAGED = [
    ("5", "0", 0),
    ("5", "3,2,0,1", 3),
    ("5", "0,6", 6),
    ("5", "0,3", 4),
    ("5", "-1,2", 2),
    ("5", "x", 0),
    ("", "", 0),
    (str(1 << 63), "", 0),
    ("9" * 5000, "", 0),
]


@pytest.mark.parametrize(("size", "text", "stored"), DAMAGED)
def test_a_damaged_map(size, text, stored):
    """An invalid map is ArchiveBroken."""
    with pytest.raises(ArchiveBroken, match="map of a sparse file"):
        from_pax({"SLIPWAY.sparse.size": size, "SLIPWAY.sparse.map": text}, stored)


def test_data_that_ends_too_early():
    """A member whose data ends too early is ArchiveBroken."""
    with pytest.raises(ArchiveBroken, match="truncated"):
        [*unpacked(io.BytesIO(b"abc").read, [(0, 4)], 4)]
