# SPDX-License-Identifier: GPL-3.0-or-later
"""Write tar headers, with one spelling for each entry, so that equal trees give equal bytes.

An image's id depends on the bytes, so they must not depend on the version of a library: none is used.
"""

from __future__ import annotations

from . import read
from .header import BLOCK
from .read import Entry

_TYPES = {
    read.FILE: b"0",
    read.HARD_LINK: b"1",
    read.SYMLINK: b"2",
    read.CHAR: b"3",
    read.BLOCK_DEVICE: b"4",
    read.DIRECTORY: b"5",
    read.FIFO: b"6",
}
#: The largest number in an octal field of 7 and of 11 digits.
_SHORT, _LONG = 8**7 - 1, 8**11 - 1
END = b"\0" * (2 * BLOCK)


def padding(size: int) -> bytes:
    """Return the zeroes that fill the last block of this number of bytes."""
    return b"\0" * (-size % BLOCK)


def header(entry: Entry) -> bytes:
    """Return an entry's header, after a pax header if a plain one cannot express it all.

    A sparse file is written in pax format 1.0: :func:`sparse_map` must follow, and ``stored`` does not
    include it.
    """
    name = entry.name if entry.extents is None else b"GNUSparseFile.0/" + entry.name
    size = entry.stored + len(b"" if entry.extents is None else sparse_map(entry))
    records = _records(entry, name, size)
    pax = b"".join(_record(key, value) for key, value in records)
    special = _block(b"PaxHeader", b"x", size=len(pax)) + pax + padding(len(pax)) if pax else b""
    return special + _block(
        name[:100],
        _TYPES[entry.kind],
        mode=entry.mode,
        uid=_fitting(entry.uid, _SHORT),
        gid=_fitting(entry.gid, _SHORT),
        size=_fitting(size, _LONG),
        mtime=_fitting(entry.mtime // 10**9, _LONG),
        link=entry.link[:100],
        device=entry.device,
    )


def sparse_map(entry: Entry) -> bytes:
    """Return the map of a sparse file in whole blocks."""
    extents = entry.extents or ()
    numbers = [len(extents), *(number for extent in extents for number in extent)]
    text = b"".join(b"%d\n" % number for number in numbers)
    return text + padding(len(text))


def _fitting(number: int, largest: int) -> int:
    return number if 0 <= number <= largest else 0


def _records(entry: Entry, name: bytes, size: int) -> list[tuple[bytes, bytes]]:
    """Return the pax records for values that a plain header cannot express."""
    whole, fraction = divmod(abs(entry.mtime), 10**9)
    sign = b"-" if entry.mtime < 0 else b""
    wanted = [
        (b"path", name, len(name) > 100 and entry.extents is None),
        (b"linkpath", entry.link, len(entry.link) > 100),
        (b"uid", b"%d" % entry.uid, entry.uid > _SHORT),
        (b"gid", b"%d" % entry.gid, entry.gid > _SHORT),
        (b"size", b"%d" % size, size > _LONG),
        (b"mtime", b"%s%d.%09d" % (sign, whole, fraction), bool(fraction or sign) or whole > _LONG),
        (b"GNU.sparse.major", b"1", entry.extents is not None),
        (b"GNU.sparse.minor", b"0", entry.extents is not None),
        (b"GNU.sparse.name", entry.name, entry.extents is not None),
        (b"GNU.sparse.realsize", b"%d" % entry.size, entry.extents is not None),
    ]
    xattrs = [_xattr(key, value) for key, value in sorted(entry.xattrs)]
    return [(key, value) for key, value, is_needed in wanted if is_needed] + xattrs


def _xattr(key: bytes, value: bytes) -> tuple[bytes, bytes]:
    if not value:
        return read.EMPTY_XATTR + key, read.EMPTY
    return read.XATTR + key, value


def _record(key: bytes, value: bytes) -> bytes:
    # The length counts its own digits.
    rest = len(key) + len(value) + 3
    length = rest + len(str(rest))
    if len(str(length)) > len(str(rest)):
        length += 1
    return b"%d %s=%s\n" % (length, key, value)


def _block(
    name: bytes,
    kind: bytes,
    *,
    mode: int = 0o644,
    uid: int = 0,
    gid: int = 0,
    size: int = 0,
    mtime: int = 0,
    link: bytes = b"",
    device: tuple[int, int] = (0, 0),
) -> bytes:
    start = b"%s%07o\0%07o\0%07o\0%011o\0%011o\0" % (name.ljust(100, b"\0"), mode, uid, gid, size, mtime)
    end = b"%s%sustar\00000%s%07o\0%07o\0" % (kind, link.ljust(100, b"\0"), b"\0" * 64, *device)
    end = end.ljust(BLOCK - len(start) - 8, b"\0")
    return start + b"%06o\0 " % (sum(start) + sum(end) + 8 * 0x20) + end
